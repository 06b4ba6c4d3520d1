package policies

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Decision is an answer. It is immutable and shared between callers: nobody changes one, nor what it points to.
type Decision struct {
	Allowed bool
	// Reasons are all that hold, the decisive first; of an allow, the one that allowed it. There is always one.
	Reasons []Reason
	// InputJSON is the input in JSON: members in the order of the type, nothing escaped that need not be.
	InputJSON []byte
	// ReasonsJSON is the JSON array of Reasons.
	ReasonsJSON []byte
	// Texts tell a denial to its two readers: the sentences of all reasons, joined, by language. An allow has none.
	Texts Texts
	// PersonJSON is Texts.Person in JSON; an allow has none.
	PersonJSON []byte
}

// Reason is why: a stable code and an English sentence for the person concerned.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// explain joins the sentences of a denial's reasons.
func (e *Engine) explain(d *Decision) (err error) {
	if d.Allowed {
		return nil
	}
	d.Texts = Texts{Person: map[string]string{}, Administrator: map[string]string{}}
	for _, lang := range languages {
		var person, administrator []string
		for _, reason := range d.Reasons {
			if r := e.rules[reason.Code]; r != nil {
				person = append(person, r.Person[lang])
				administrator = append(administrator, r.Administrator[lang])
			}
		}
		d.Texts.Person[lang], d.Texts.Administrator[lang] = strings.Join(person, " "), strings.Join(administrator, " ")
	}
	d.PersonJSON, err = render("texts", d.Texts.Person)
	return err
}

// render gives the JSON of a part of a decision, nothing escaped that need not be.
func render(what string, part any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(part); err != nil {
		return nil, fmt.Errorf("render %s: %w", what, err)
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
