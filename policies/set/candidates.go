package set

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	if find != Action { // the type is what the queries for candidates look at
		entity, _ := in.document[find].(map[string]any)
		entity = maps.Clone(entity)
		if entity == nil {
			entity = map[string]any{}
		}
		entity["type"] = kind
		document := maps.Clone(in.document)
		document[find] = entity
		if in, err = newInput(document, text); err != nil {
			return nil, err
		}
	}
	return &Search{Find: find, Type: kind, input: in}, nil
}

// Question is the question about one of what is looked for.
func (s *Search) Question(id string) (*Input, error) { return s.input.With(s.Find, s.Type, id) }

// prepareSearches makes the queries for candidates: of each thing that can be looked for the set's own rule of the search,
// where it has one, else its entities of the type that is asked for.
func (e *Engine) prepareSearches(ctx context.Context) error {
	for _, find := range []string{Subject, Resource, Action} {
		path := e.ref("entities", find)
		switch {
		case e.searches[find]:
			path = e.ref(find + "_search")
		case find != Action:
			path = append(path, ast.NewTerm(ast.Ref{ast.InputRootDocument, ast.StringTerm(find), ast.StringTerm("type")}))
		}
		query, err := e.program.Prepare(ctx, path)
		if wrong, ok := errors.AsType[*policies.ProblemsError](err); ok && unknown(wrong) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look for candidates: %w", err)
		}
		e.candidates[find] = query
	}
	return nil
}

// unknown tells whether the compiler finds nothing at a path: the rules say what is there, and it is not among that.
func unknown(wrong *policies.ProblemsError) bool {
	return !slices.ContainsFunc(wrong.Problems, func(p policies.Problem) bool { return p.Code != ast.TypeErr })
}

// Candidates are the ids of all that may be found, in their order, byte by byte. Whether the question about one is allowed
// is another question. They are what the set's own rule of the search gives, where it has one, else its entities of
// the type; a type that it has not has none. Errors are those of Decide.
func (e *Engine) Candidates(ctx context.Context, s *Search) ([]string, error) {
	query := e.candidates[s.Find]
	if query == nil {
		return nil, nil
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
		err = fmt.Errorf("%w: %s is %s, and not a list, a set or an object by id", policies.ErrResult, e.ref("entities", s.Find), kindOf(value))
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// longestID is how many bytes an id has in a question, and so in an answer: the page that follows is asked for by it.
const longestID = 1024

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
	if len(text) > longestID {
		return "", false, fmt.Errorf("%w: the %s of a candidate has more than %d bytes, and nobody could ask about it", policies.ErrResult, member, longestID)
	}
	if !ok || text == "" {
		return "", false, fmt.Errorf("%w: the %s of a candidate is a text, and %s is none", policies.ErrResult, member, term)
	}
	return string(text), true, nil
}
