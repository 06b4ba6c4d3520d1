package server

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"cordon/guard"
)

// reader reads AuthZEN bodies: members that the standard does not know are passed over, and what is
// wrong with a member is noted with it, since in a batch that is one item's error. Only what makes
// the whole unreadable (syntax, a name twice, depth) ends the reading.
type reader struct {
	dec *jsontext.Decoder
	err error
	// whole keeps all properties and the context, for a policy set that knows what they mean. The built-in rules look at
	// three properties, and at no context.
	whole bool
}

func newReader(data []byte) (*reader, error) {
	if err := checkSyntax(data); err != nil {
		return nil, err
	}
	// That no name is there twice is known by now.
	return &reader{dec: jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))}, nil
}

// readQuestion reads the body of /access/v1/evaluation.
func readQuestion(data []byte, whole bool) (asked, error) {
	var a asked
	r, err := newReader(data)
	if err != nil {
		return a, err
	}
	r.whole = whole
	r.object(func(name string) { r.askedMember(&a, name) })
	return a, r.err
}

// readBatch reads the body of /access/v1/evaluations.
func readBatch(data []byte, whole bool) (batch, error) {
	var b batch
	r, err := newReader(data)
	if err != nil {
		return b, err
	}
	r.whole = whole
	r.object(func(name string) {
		switch name {
		case "evaluations":
			r.items(&b)
		case "options":
			r.options(&b)
		default:
			r.askedMember(&b.asked, name)
		}
	})
	return b, r.err
}

// object reads the members of an object; member reads the value of the one it is told of.
func (r *reader) object(member func(name string)) {
	r.token()
	for r.err == nil && r.dec.PeekKind() != '}' {
		member(r.token().String())
	}
	r.token()
}

func (r *reader) token() jsontext.Token {
	if r.err != nil {
		return jsontext.Null
	}
	token, err := r.dec.ReadToken()
	if err != nil {
		r.fail(err)
		return jsontext.Null
	}
	return token
}

func (r *reader) skip() {
	if r.err != nil {
		return
	}
	if err := r.dec.SkipValue(); err != nil {
		r.fail(err)
	}
}

func (r *reader) fail(err error) {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	r.err = invalid(explainJSON(err))
}

// isNull passes over a null, which stands for an absent member.
func (r *reader) isNull() bool {
	if r.dec.PeekKind() != 'n' {
		return false
	}
	r.token()
	return true
}

func (r *reader) askedMember(a *asked, name string) {
	switch name {
	case "subject":
		r.entity(&a.subject, isSubject)
	case "action":
		r.entity(&a.action, isAction)
	case "resource":
		r.entity(&a.resource, isResource)
	case "context":
		a.context = r.keep(&a.wrong, "/context")
	default:
		r.skip()
	}
}

// wantObject passes over an object or null, and notes anything else.
func (r *reader) wantObject(wrong *[]guard.FieldError, pointer string) {
	if k := r.dec.PeekKind(); k != '{' && k != 'n' {
		*wrong = append(*wrong, field(pointer, "must be an object"))
	}
	r.skip()
}

// keep reads an object or null as wantObject does, and keeps it where the question is read whole.
func (r *reader) keep(wrong *[]guard.FieldError, pointer string) jsontext.Value {
	if !r.whole || r.dec.PeekKind() != '{' {
		r.wantObject(wrong, pointer)
		return nil
	}
	value, err := r.dec.ReadValue()
	if err == nil {
		value = value.Clone()
		err = value.Compact()
	}
	if err != nil {
		r.fail(err)
	}
	return value
}

func (r *reader) entity(e *entity, is part) {
	if r.isNull() {
		return
	}
	e.present, e.is = true, is
	if r.dec.PeekKind() != '{' {
		r.skip()
		return
	}
	e.object = true
	r.object(func(name string) {
		switch {
		case name == is.id():
			r.word(&e.id, &e.wrong, "/"+name)
		case name == "type" && is != isAction:
			r.word(&e.kind, &e.wrong, "/type")
		case name == "properties":
			r.properties(e)
		default:
			r.skip()
		}
	})
}

// word reads a string that is not empty. Null stands for an absent one.
func (r *reader) word(into *string, wrong *[]guard.FieldError, pointer string) {
	switch {
	case r.isNull():
	case r.dec.PeekKind() != '"':
		*wrong = append(*wrong, field(pointer, "must be a string"))
		r.skip()
	default:
		*into = strings.Clone(r.token().String())
		switch {
		case *into == "":
			*wrong = append(*wrong, field(pointer, "must not be empty"))
		case len(*into) > longestWord:
			*wrong = append(*wrong, field(pointer, "is longer than "+strconv.Itoa(longestWord)+" bytes"))
		}
	}
}

// properties reads the few that the built-in rules look at. Those must be strings: a role that is
// none must not be taken for no role.
func (r *reader) properties(e *entity) {
	if r.whole {
		e.properties = r.keep(&e.wrong, "/properties")
		return
	}
	if k := r.dec.PeekKind(); k != '{' {
		r.wantObject(&e.wrong, "/properties")
		return
	}
	r.object(func(name string) {
		if into := e.property(name); into != nil {
			r.word(into, &e.wrong, "/properties/"+name)
		} else {
			r.skip()
		}
	})
}

func (r *reader) items(b *batch) {
	switch {
	case r.isNull():
		return
	case r.dec.PeekKind() != '[':
		b.wrong = append(b.wrong, field("/evaluations", "must be an array"))
		r.skip()
		return
	}
	r.token()
	for r.err == nil && r.dec.PeekKind() != ']' {
		if len(b.items) == mostItems {
			r.err = because(errTooMany, "a batch has at most "+strconv.Itoa(mostItems)+" items")
			return
		}
		var item asked
		if r.dec.PeekKind() == '{' {
			r.object(func(name string) { r.askedMember(&item, name) })
		} else {
			item.wrong = append(item.wrong, field("", "must be an object"))
			r.skip()
		}
		b.items = append(b.items, item)
	}
	r.token()
}

func (r *reader) options(b *batch) {
	if k := r.dec.PeekKind(); k != '{' {
		r.wantObject(&b.wrong, "/options")
		return
	}
	r.object(func(name string) {
		if name != "evaluations_semantic" {
			r.skip()
			return
		}
		var semantic string
		before := len(b.wrong)
		r.word(&semantic, &b.wrong, "/options/evaluations_semantic")
		switch b.semantic = guard.Semantic(semantic); b.semantic {
		case "", guard.ExecuteAll, guard.DenyOnFirstDeny, guard.PermitOnFirstPermit:
		default:
			if len(b.wrong) == before {
				b.wrong = append(b.wrong, field("/options/evaluations_semantic",
					"must be execute_all, deny_on_first_deny or permit_on_first_permit"))
			}
		}
	})
}
