package policies

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// maxDepth bounds how deep data and modules may be nested.
const maxDepth = 64

// readData reads the data of a policy out of its JSON files. Each holds an object, which is laid at its folder; no two may
// give one value, as OPA refuses it, too, and no name may be said twice.
func (s Source) readData() (map[string]any, error) {
	data, out := map[string]any{}, &ProblemsError{}
	for _, file := range s.Paths() {
		if isModule(file) {
			continue
		}
		document, at, err := readDocument(s.Files[file])
		if err == nil {
			at = 0
			err = merge(data, folderOf(file, document), "data")
		}
		if err != nil {
			row, column := place(s.Files[file], at)
			out.Problems = append(out.Problems, Problem{File: file, Row: row, Column: column, Code: "data_error", Message: err.Error()})
		}
	}
	if len(out.Problems) > 0 {
		return nil, out
	}
	return data, nil
}

// readTyped reads one of the typed documents among the data of a policy, its settings or its words; there may be none.
func readTyped(data map[string]any, name, file string, into any) error {
	cordon, _ := data["cordon"].(map[string]any)
	text, err := json.Marshal(cordon[name])
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return &ProblemsError{Problems: []Problem{{File: file, Code: name + "_error", Message: fmt.Sprintf("%s cannot be read: %v", name, err)}}}
	}
	return nil
}

// folderOf lays a document at the folder of its file.
func folderOf(file string, document map[string]any) map[string]any {
	for folder := path.Dir(file); folder != "."; folder = path.Dir(folder) {
		document = map[string]any{path.Base(folder): document}
	}
	return document
}

// merge adds a document to another.
func merge(into, from map[string]any, at string) error {
	for name, value := range from {
		held, taken := into[name]
		if !taken {
			into[name] = value
			continue
		}
		object, isObject := held.(map[string]any)
		more, areObjects := value.(map[string]any)
		if !isObject || !areObjects {
			return fmt.Errorf("%s.%s is given by another file, too", at, name)
		}
		if err := merge(object, more, at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// readDocument reads an object, numbers as they are written. Where it fails, it returns the offset.
func readDocument(text string) (map[string]any, int64, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	value, err := readValue(dec, 0)
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the document")
		}
	}
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return nil, wrong.Offset, err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	object, ok := value.(map[string]any)
	if err == nil && !ok {
		err = errors.New("a data file holds an object")
	}
	return object, dec.InputOffset(), err
}

func readValue(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return readObject(dec, depth)
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			value, err := readValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := dec.Token()
		return list, err
	}
	if number, ok := token.(json.Number); ok && !plainNumber(string(number)) {
		return nil, fmt.Errorf("%s is no number that a policy may hold", number)
	}
	return token, nil
}

func readObject(dec *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := name.(string) // the decoder gives nothing else
		if _, taken := object[key]; taken {
			return nil, fmt.Errorf("%q is said twice", key)
		}
		if object[key], err = readValue(dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return object, err
}

// plainNumber refuses exponents and digits without end: to work such a number out takes memory without end.
func plainNumber(text string) bool { return len(text) <= 32 && !strings.ContainsAny(text, "eE") }

// place returns the row and column of an offset in a text.
func place(text string, offset int64) (row, column int) {
	before := []byte(text[:min(max(offset-1, 0), int64(len(text)))])
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}
