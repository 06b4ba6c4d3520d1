package server

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cordon/guard"
)

// maxNesting is how deep a body may nest (docs/design.md 11, Limits).
const maxNesting = 64

// decodeStrict reads a body into v, a pointer to a struct. What is unknown, twice there, of another
// case or type, too deep, trailing or no UTF-8 is a *guard.Invalid that names the member.
func decodeStrict(data []byte, v any) error {
	if err := checkSyntax(data); err != nil {
		return err
	}
	err := json.Unmarshal(data, v, json.RejectUnknownMembers(true), tellable)
	if err == nil {
		return nil
	}
	return invalid(explainJSON(err))
}

// tellable refuses times that no answer could tell: an offset takes the first and the last hours of what can be written
// in RFC 3339 out of its years, as soon as they are told in UTC.
var tellable = json.WithUnmarshalers(json.UnmarshalFunc(func(data []byte, t *time.Time) error {
	if err := json.Unmarshal(data, t); err != nil {
		return err
	}
	if year := t.UTC().Year(); year < 0 || year > 9999 {
		return errors.New("the year is outside of 0 to 9999")
	}
	return nil
}))

func invalid(fields ...guard.FieldError) error { return &guard.Invalid{Errors: fields} }

// checkSyntax walks through a body: it is one JSON object, not too deep, with no name twice.
func checkSyntax(data []byte) error {
	if len(bytes.TrimLeft(data, " \t\r\n")) == 0 {
		return invalid(guard.FieldError{Detail: "is empty; a JSON object is needed"})
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(data))
	if k := dec.PeekKind(); k != '{' && k != jsontext.KindInvalid {
		return invalid(guard.FieldError{Detail: "must be a JSON object"})
	}
	for {
		if _, err := dec.ReadToken(); err != nil {
			return invalid(explainJSON(err))
		}
		switch depth := dec.StackDepth(); {
		case depth > maxNesting:
			return invalid(tooDeep(string(dec.StackPointer())))
		case depth == 0:
			return checkEnd(dec)
		}
	}
}

func tooDeep(pointer string) guard.FieldError {
	return guard.FieldError{Pointer: pointer, Detail: "nests deeper than 64 levels"}
}

// checkEnd makes sure that nothing follows the one object.
func checkEnd(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return invalid(guard.FieldError{Detail: "has something after the JSON object"})
	}
	return nil
}

// explainJSON says what is wrong with a body, and where, without naming anything of Go.
func explainJSON(err error) guard.FieldError {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		f := guard.FieldError{Pointer: string(semantic.JSONPointer)}
		if errors.Is(err, json.ErrUnknownName) {
			f.Detail = "is not known"
		} else {
			f.Detail = "must be " + wanted(semantic.GoType)
		}
		return f
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		f := guard.FieldError{Pointer: string(syntactic.JSONPointer)}
		switch {
		case errors.Is(err, jsontext.ErrDuplicateName):
			f.Detail = "is there twice"
		case errors.Is(err, io.ErrUnexpectedEOF):
			f.Detail = "ends too early"
		case strings.Contains(syntactic.Err.Error(), "UTF-8"):
			f.Detail = "is not valid UTF-8"
		default:
			f.Detail = "is not valid JSON"
		}
		return f
	}
	return guard.FieldError{Detail: "is not valid JSON"}
}

// wanted names the JSON type that a Go type is read from.
func wanted(t reflect.Type) string {
	if t == nil {
		return "of another type"
	}
	if t == reflect.TypeFor[time.Time]() {
		return "a time like 2026-01-31T12:00:00Z"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return "a number"
	default:
		return "of another type"
	}
}

// field is what is wrong with a member.
func field(pointer, detail string) guard.FieldError {
	return guard.FieldError{Pointer: pointer, Detail: detail}
}
