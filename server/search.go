package server

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cordon.example/client"
	"cordon/guard"
)

// searched is the body of a search.
type searched struct {
	asked
	limit int // 0: none was named
	token string
}

// searchBy returns what answers a search (AuthZEN 1.0, 8). Nothing is in the body but what was found and where it goes on,
// so that equal searches have equal answers.
func searchBy(find string) func(c *call) error {
	return func(c *call) error {
		data, err := c.readBody(mediaJSON[0])
		if err != nil {
			return err
		}
		set := c.param("set") // "": the built-in domain
		body, err := readSearch(data, set != "")
		if err != nil {
			return err
		}
		search := guard.Search{Set: set, Find: find, Limit: body.limit, Token: body.token}
		if err := body.search(&search); err != nil {
			return err
		}
		if set != "" {
			search.Question.Input = body.seeking(find)
		}
		if search.Asked, err = canonical(data, find); err != nil {
			return err
		}
		if set == "" { // a policy set knows of no organization's revision
			if c.origin.AtLeast, err = atLeast(c.req.Header[client.HeaderAtLeast]); err != nil {
				return err
			}
		}
		found, err := c.server.config.Guard.Search(c.context(), &c.origin, &search)
		if err != nil {
			return err
		}
		c.set(client.HeaderDecisionID, found.ID)
		c.set(client.HeaderPolicy, found.Policy)
		if found.Organization != "" {
			c.set(client.HeaderRevision, strconv.FormatInt(found.Revision, 10))
		}
		answer, err := appendFound((*c.body)[:0], find, found)
		if err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
		*c.body = answer
		c.send(http.StatusOK, *c.body)
		return nil
	}
}

// appendFound writes a page: where it goes on comes first.
func appendFound(dst []byte, find string, f *guard.Found) (_ []byte, err error) {
	quote := func(text string) {
		if err == nil {
			dst, err = jsontext.AppendQuote(dst, text)
		}
	}
	dst = append(dst, `{"page":{"next_token":`...)
	quote(f.Next)
	dst = append(dst, `,"count":`...)
	dst = strconv.AppendInt(dst, int64(len(f.Entities)), 10)
	dst = append(dst, `},"results":[`...)
	for i, e := range f.Entities {
		if i > 0 {
			dst = append(dst, ',')
		}
		if find == guard.FindActions {
			dst = append(dst, `{"name":`...)
		} else {
			dst = append(dst, `{"type":`...)
			quote(e.Type)
			dst = append(dst, `,"id":`...)
		}
		quote(e.ID)
		dst = append(dst, '}')
	}
	return append(dst, "]}"...), err
}

// readSearch reads the body of a search.
func readSearch(data []byte, whole bool) (searched, error) {
	var s searched
	r, err := newReader(data)
	if err != nil {
		return s, err
	}
	r.whole = whole
	r.object(func(name string) {
		if name == "page" {
			r.page(&s)
		} else {
			r.askedMember(&s.asked, name)
		}
	})
	return s, r.err
}

// page reads how long a page is to be, and where it begins. Members that no capability stands for are passed over.
func (r *reader) page(s *searched) {
	if r.dec.PeekKind() != '{' {
		r.wantObject(&s.wrong, "/page")
		return
	}
	r.object(func(name string) {
		switch kind := r.dec.PeekKind(); {
		case name == "token" && kind == '"':
			s.token = r.token().String()
		case name == "token" && kind != 'n':
			s.wrong = append(s.wrong, field("/page/token", "must be a string"))
			r.skip()
		case name == "limit" && kind != 'n':
			r.limit(s)
		default:
			r.skip()
		}
	})
}

// limit reads a whole number. There may be more than fit on a page: then fewer come.
func (r *reader) limit(s *searched) {
	if r.dec.PeekKind() != '0' {
		s.wrong = append(s.wrong, field("/page/limit", "must be a whole number, not below 0"))
		r.skip()
		return
	}
	text := r.token().String()
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		s.wrong = append(s.wrong, field("/page/limit", "must be a whole number, not below 0"))
		return
	}
	s.limit = int(n)
}

// search makes a search of what was asked, or says all that is wrong with it. The id of what is searched for is passed over,
// and where actions are, so is the action.
func (s *searched) search(into *guard.Search) error {
	q := &into.Question
	var wrong []guard.FieldError
	for _, e := range []struct {
		entity  *entity
		pointer string
		is      part
		sought  bool
	}{
		{&s.subject, "/subject", isSubject, into.Find == guard.FindSubjects},
		{&s.action, "/action", isAction, into.Find == guard.FindActions},
		{&s.resource, "/resource", isResource, into.Find == guard.FindResources},
	} {
		if e.sought {
			if e.is == isAction {
				continue
			}
			e.entity.name("-")
		}
		wrong = append(wrong, e.entity.check(e.pointer, e.is)...)
		if e.sought {
			e.entity.name("")
		}
	}
	if wrong = append(wrong, s.wrong...); len(wrong) > 0 {
		return invalid(wrong...)
	}
	q.Subject = guard.Entity{Type: s.subject.kind, ID: s.subject.id}
	q.Resource = guard.Entity{Type: s.resource.kind, ID: s.resource.id, Organization: s.resource.organization}
	if into.Find != guard.FindActions {
		q.Action = guard.Action{Name: s.action.id, Channel: s.action.channel, Role: s.action.role}
	}
	return nil
}

// seeking writes what was asked as a policy set sees it: of what is searched for there is the type alone.
func (s *searched) seeking(find string) []byte {
	a := s.asked
	switch find {
	case guard.FindSubjects:
		a.subject.properties = nil
	case guard.FindResources:
		a.resource.properties = nil
	case guard.FindActions:
		a.action = entity{}
	}
	return a.appendInput(nil)
}

// name gives an entity another id, whatever was wrong with its own.
func (e *entity) name(id string) {
	e.id = id
	e.wrong = slices.DeleteFunc(e.wrong, func(f guard.FieldError) bool { return f.Pointer == "/"+e.is.id() })
}

// canonical returns what was asked, but for the page and what is passed over, as one text whatever the order of its
// members (RFC 8785, but that whole numbers are not rounded): the next page is of the same text.
func canonical(data []byte, find string) ([]byte, error) {
	unique := jsontext.AllowDuplicateNames(true) // that no name is there twice is known by now
	var body map[string]jsontext.Value
	if err := json.Unmarshal(data, &body, unique); err != nil {
		return nil, invalid(explainJSON(err))
	}
	kept := map[string]jsontext.Value{}
	for _, name := range []string{"subject", "action", "resource", "context"} {
		if value := body[name]; len(value) > 0 && value.Kind() != 'n' && (name != "action" || find != guard.FindActions) {
			kept[name] = value
		}
	}
	if value := kept[find]; value != nil {
		var sought map[string]jsontext.Value
		if err := json.Unmarshal(value, &sought, unique); err != nil {
			return nil, invalid(explainJSON(err))
		}
		delete(sought, "id")
		text, err := json.Marshal(sought, unique)
		if err != nil {
			return nil, fmt.Errorf("write what is searched for: %w", err)
		}
		kept[find] = text
	}
	text, err := json.Marshal(kept, unique)
	if err != nil {
		return nil, fmt.Errorf("write what was asked: %w", err)
	}
	value := jsontext.Value(text)
	if err := value.Canonicalize(unique, jsontext.CanonicalizeRawInts(false)); err != nil {
		return nil, fmt.Errorf("write what was asked: %w", err)
	}
	return value, nil
}
