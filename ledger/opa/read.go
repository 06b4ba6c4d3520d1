package opa

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cordon/ledger/record"
)

// Bounds of what is taken at once.
const (
	MaxBytes  = 32 << 20 // as it is read, out of whatever it was packed in
	MaxEvents = 16 << 10
	// MaxEventBytes leaves room in a record for what is not the event's.
	MaxEventBytes = record.MaxBytes - 16<<10
)

// TooLargeError says what is too large to be taken at once. Nothing was taken.
type TooLargeError struct{ What string }

func (e *TooLargeError) Error() string { return e.What }

// MalformedError says what is wrong with events, none of which was taken.
type MalformedError struct {
	Pointer string // to the event and the member (RFC 6901); empty: the whole
	Detail  string
}

func (e *MalformedError) Error() string { return e.Pointer + ": " + e.Detail }

// Read reads an array of events, whole or not at all. What from cannot read is taken for damage.
func Read(from io.Reader) ([]Event, error) {
	body, err := io.ReadAll(io.LimitReader(from, MaxBytes+1))
	switch {
	case err != nil:
		return nil, &MalformedError{"", "is cut off or damaged: it cannot be unpacked"}
	case len(body) > MaxBytes:
		return nil, &TooLargeError{fmt.Sprintf("unpacked, the events have more than %d bytes", MaxBytes)}
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(body))
	if kind := dec.PeekKind(); kind != '[' && kind != jsontext.KindInvalid {
		return nil, &MalformedError{"", "must be an array of events"}
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, malformed("", err)
	}
	var events []Event
	for dec.PeekKind() != ']' {
		row := "/" + strconv.Itoa(len(events))
		text, err := dec.ReadValue()
		switch {
		case err != nil:
			return nil, malformed("", err)
		case len(events) == MaxEvents:
			return nil, &TooLargeError{fmt.Sprintf("there are more than %d events", MaxEvents)}
		case len(text) > MaxEventBytes:
			return nil, &TooLargeError{fmt.Sprintf("the event at %s has more than %d bytes", row, MaxEventBytes)}
		case text.Kind() != '{':
			return nil, &MalformedError{row, "must be an object"}
		}
		var e Event
		if err := e.read(text.Clone()); err != nil {
			return nil, malformed(row, err)
		}
		events = append(events, e)
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, malformed("", err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, &MalformedError{"", "has something behind the array"}
	}
	return events, nil
}

// read takes one event apart.
func (e *Event) read(text jsontext.Value) error {
	if err := json.Unmarshal(text, &e.known); err != nil {
		return err
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(text))
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	e.rest = append(e.rest, '{')
	for dec.PeekKind() != '}' {
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		name = name.Clone() // it is good until the next is read
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if string(name) == `"input"` {
			continue
		}
		if len(e.rest) > 1 {
			e.rest = append(e.rest, ',')
		}
		e.rest = append(append(append(e.rest, name...), ':'), value...)
	}
	e.rest = append(e.rest, '}')
	return e.check()
}

// malformed says what is wrong, and where, behind the pointer to the row.
func malformed(row string, err error) error {
	if own, ok := errors.AsType[*MalformedError](err); ok {
		return &MalformedError{row + own.Pointer, own.Detail}
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return &MalformedError{row + string(semantic.JSONPointer), "must be " + wanted(semantic.GoType)}
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		detail := "is not valid JSON"
		switch {
		case errors.Is(err, jsontext.ErrDuplicateName):
			detail = "is there twice"
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
			detail = "ends too early"
		}
		return &MalformedError{row + string(syntactic.JSONPointer), detail}
	}
	return &MalformedError{row, "ends too early"}
}

func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "a time like 2026-01-31T12:00:00Z"
	case t != nil && t.Kind() == reflect.String:
		return "a string"
	}
	return "an object"
}
