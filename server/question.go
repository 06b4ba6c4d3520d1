package server

import (
	"github.com/go-json-experiment/json/jsontext"

	"cordon/guard"
)

// Bounds of AuthZEN bodies. Ids of questions may be anything (docs/design.md 11, Decisions), but they go
// on record.
const (
	longestWord = 1024
	mostItems   = 1000
)

// entity is a subject, an action or a resource as it stands in a body.
type entity struct {
	is      part
	present bool
	object  bool   // false: it is there and is none
	kind    string // "type"; of an action empty
	id      string // "id"; of an action "name"
	// Of the properties, those that the built-in rules look at.
	organization, channel, role string
	wrong                       []guard.FieldError // pointers relative to the entity
	properties                  jsontext.Value     // all of them, where the question is read whole; nil: none
}

// part is what an entity is in a question.
type part uint8

const (
	isSubject part = iota
	isAction
	isResource
)

// id is the member that names an entity.
func (p part) id() string {
	if p == isAction {
		return "name"
	}
	return "id"
}

// property gives where a property goes that the built-in rules look at, nil for any other: facts
// come from the store (docs/design.md 3.5).
func (e *entity) property(name string) *string {
	switch {
	case e.is == isResource && name == "organization":
		return &e.organization
	case e.is == isAction && name == "channel":
		return &e.channel
	case e.is == isAction && name == "role":
		return &e.role
	}
	return nil
}

// asked is one question, or one item of a batch, as it stands in a body.
type asked struct {
	subject, action, resource entity
	wrong                     []guard.FieldError // what is wrong beside the entities
	context                   jsontext.Value     // where the question is read whole; nil: none
}

// batch is the body of /access/v1/evaluations. Without items it is a single question.
type batch struct {
	asked
	semantic guard.Semantic
	items    []asked
}

// check gives what is wrong with an entity that a question needs.
func (e *entity) check(pointer string, is part) []guard.FieldError {
	switch {
	case !e.present:
		return []guard.FieldError{field(pointer, "is required")}
	case !e.object:
		return []guard.FieldError{field(pointer, "must be an object")}
	}
	var wrong []guard.FieldError
	mentioned := func(member string) bool {
		for _, f := range e.wrong {
			if f.Pointer == member {
				return true
			}
		}
		return false
	}
	if is != isAction && e.kind == "" && !mentioned("/type") {
		wrong = append(wrong, field(pointer+"/type", "is required"))
	}
	if e.id == "" && !mentioned("/"+is.id()) {
		wrong = append(wrong, field(pointer+"/"+is.id(), "is required"))
	}
	for _, f := range e.wrong {
		wrong = append(wrong, field(pointer+f.Pointer, f.Detail))
	}
	return wrong
}

// question makes a question of what was asked, or says all that is wrong with it.
func (a *asked) question(q *guard.Question) error {
	if a.subject.fine() && a.action.fine() && a.resource.fine() && len(a.wrong) == 0 {
		q.Subject = guard.Entity{Type: a.subject.kind, ID: a.subject.id}
		q.Action = guard.Action{Name: a.action.id, Channel: a.action.channel, Role: a.action.role}
		q.Resource = guard.Entity{Type: a.resource.kind, ID: a.resource.id, Organization: a.resource.organization}
		return nil
	}
	wrong := a.subject.check("/subject", isSubject)
	wrong = append(wrong, a.action.check("/action", isAction)...)
	wrong = append(wrong, a.resource.check("/resource", isResource)...)
	return invalid(append(wrong, a.wrong...)...)
}

func (e *entity) fine() bool {
	return e.object && e.id != "" && (e.kind != "" || e.is == isAction) && len(e.wrong) == 0
}

// inherit takes from the batch what an item leaves out: whole entities, never members of them
// (AuthZEN 7.1.1).
func (a *asked) inherit(from *asked) {
	if !a.subject.present {
		a.subject = from.subject
	}
	if !a.action.present {
		a.action = from.action
	}
	if !a.resource.present {
		a.resource = from.resource
	}
	if a.context == nil {
		a.context = from.context
	}
}

// checkDefaults gives what is wrong with a batch as a whole: the types of its own members.
func (b *batch) checkDefaults() error {
	wrong := b.wrong
	for _, d := range []struct {
		pointer string
		entity  *entity
	}{{"/subject", &b.subject}, {"/action", &b.action}, {"/resource", &b.resource}} {
		if d.entity.present && !d.entity.object {
			wrong = append(wrong, field(d.pointer, "must be an object"))
		}
	}
	if len(wrong) > 0 {
		return invalid(wrong...)
	}
	return nil
}

// whole makes a question of all that was asked, or says all that is wrong with it.
func (a *asked) whole(q *guard.Question) error {
	if err := a.question(q); err != nil {
		return err
	}
	q.Input = a.appendInput(nil)
	return nil
}

// appendInput writes what was asked as a policy set sees it: nothing is in it that AuthZEN does not know, and nothing that is
// not there.
func (a *asked) appendInput(dst []byte) []byte {
	begin := byte('{')
	for _, e := range []struct {
		name   string
		entity *entity
	}{{"subject", &a.subject}, {"action", &a.action}, {"resource", &a.resource}} {
		if !e.entity.object {
			continue
		}
		dst = append(append(append(append(dst, begin), '"'), e.name...), `":`...)
		dst = e.entity.appendTo(dst)
		begin = ','
	}
	if a.context != nil {
		dst = append(append(append(dst, begin), `"context":`...), a.context...)
		begin = ','
	}
	if begin == '{' {
		dst = append(dst, begin)
	}
	return append(dst, '}')
}

func (e *entity) appendTo(dst []byte) []byte {
	begin := byte('{')
	member := func(name, value string) {
		if value == "" {
			return
		}
		dst = append(append(append(append(dst, begin), '"'), name...), `":`...)
		dst, _ = jsontext.AppendQuote(dst, value) // what was read is valid UTF-8
		begin = ','
	}
	if e.is != isAction {
		member("type", e.kind)
	}
	member(e.is.id(), e.id)
	if e.properties != nil {
		dst = append(append(append(dst, begin), `"properties":`...), e.properties...)
		begin = ','
	}
	if begin == '{' {
		dst = append(dst, begin)
	}
	return append(dst, '}')
}
