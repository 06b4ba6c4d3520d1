package table

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"cordon/policies"
)

// said are the constants that a policy's modules name where they look at facts that have no list of words: the kind of a
// product, which is free text, and the time.
type said struct {
	kinds   []string
	numbers []int // of modules that look at the time
	days    []string
	counted bool // the time is not only compared
}

var (
	inputKind   = ast.MustParseRef("input.resource.kind")
	inputTime   = ast.MustParseRef("input.time")
	comparisons = []string{"eq", "equal", "neq", "lt", "lte", "gt", "gte", "assign", "internal.member_2", "internal.member_3", "set"}
)

// constants reads them.
func constants(src policies.Source) (said, error) {
	var s said
	for path, text := range src.Files {
		if !strings.HasSuffix(path, ".rego") || strings.HasSuffix(path, "_test.rego") {
			continue
		}
		module, err := ast.ParseModuleWithOpts(path, text, ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			return s, fmt.Errorf("read constants: %w", err) // the engine was made of it
		}
		s.read(module)
	}
	return s, nil
}

// read looks at one module. Where it may look at a fact it is taken to.
func (s *said) read(module *ast.Module) {
	kind, time, counts := false, false, false
	ast.WalkRefs(module, func(ref ast.Ref) bool {
		ground := ref.GroundPrefix()
		reaches := func(what ast.Ref) bool {
			return ref.HasPrefix(ast.InputRootRef) && (ground.HasPrefix(what) || what.HasPrefix(ground))
		}
		kind, time = kind || reaches(inputKind), time || reaches(inputTime)
		_, builtin := ast.BuiltinMap[ref.String()]
		counts = counts || builtin && !slices.Contains(comparisons, ref.String())
		return false
	})
	if !kind && !time {
		return
	}
	s.counted = s.counted || time && counts
	ast.NewGenericVisitor(func(node any) bool {
		switch node := node.(type) {
		case *ast.Package, *ast.Import, *ast.Annotations, ast.Ref:
			return true
		case ast.String:
			word := string(node)
			if kind {
				s.kinds = append(s.kinds, word)
			}
			if time && strings.HasSuffix(word, "day") {
				s.days = append(s.days, word)
			}
		case ast.Number:
			if n, ok := node.Int(); ok && time && n >= 0 && n < math.MaxInt16 {
				s.numbers = append(s.numbers, n)
			}
		}
		return false
	}).Walk(module)
}
