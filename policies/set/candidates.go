package set

import (
	"context"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"cordon/policies"
)

// Search is what is looked for, and the question about each of it, which lacks its id.
type Search struct {
	Find  string // Subject, Resource or Action
	Type  string // of what is looked for; of actions empty
	input *Input
}

// ReadSearch reads the question about what is looked for, which need not say its id.
func ReadSearch(find, kind string, text []byte) (*Search, error) {
	in, err := readInput(text)
	if err != nil {
		return nil, err
	}
	return &Search{Find: find, Type: kind, input: in}, nil
}

// Question is the question about one of what is looked for.
func (s *Search) Question(id string) (*Input, error) { return s.input.With(s.Find, s.Type, id) }

// Candidates are the ids of all that may be found, in their order, byte by byte. Whether the question about one is allowed
// is another question. They are what the set's own rule of the search gives, where it has one, else its entities of
// the type; a type that it has not has none. Errors are those of Decide.
func (e *Engine) Candidates(ctx context.Context, s *Search) ([]string, error) {
	path := []string{"entities", s.Find, s.Type}
	switch {
	case e.searches[s.Find]:
		path = []string{s.Find + "_search"}
	case s.Find == Action:
		path = path[:2]
	}
	query, err := e.program.Prepare(ctx, e.ref(path...))
	if err != nil {
		return nil, fmt.Errorf("look for candidates: %w", err)
	}
	value, err := policies.Ask(ctx, query, s.input.value)
	if err != nil || value == nil {
		return nil, err
	}
	var ids []string
	add := func(term *ast.Term) error {
		id, ours, err := s.id(term)
		if ours {
			ids = append(ids, id)
		}
		return err
	}
	switch list := value.(type) {
	case *ast.Array:
		err = list.Iter(add)
	case ast.Set:
		err = list.Iter(add)
	case ast.Object:
		err = list.Iter(func(key, _ *ast.Term) error { return add(key) })
	default:
		err = fmt.Errorf("%w: %s is %s, and not a list, a set or an object by id", policies.ErrResult, e.ref(path...), kindOf(value))
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// id reads one candidate: an id, or an entity with one. It is not ours where it is of another type.
func (s *Search) id(term *ast.Term) (id string, ours bool, err error) {
	member := "id"
	if s.Find == Action {
		member = "name"
	}
	if entity, ok := term.Value.(ast.Object); ok {
		if kind := entity.Get(ast.InternedTerm("type")); kind != nil && s.Find != Action && kind.Value.Compare(ast.String(s.Type)) != 0 {
			return "", false, nil
		}
		named := entity.Get(ast.StringTerm(member))
		if named == nil {
			return "", false, fmt.Errorf("%w: a candidate has no %s: %s", policies.ErrResult, member, term)
		}
		term = named
	}
	text, ok := term.Value.(ast.String)
	if !ok || text == "" {
		return "", false, fmt.Errorf("%w: the %s of a candidate is a text, and %s is none", policies.ErrResult, member, term)
	}
	return string(text), true, nil
}
