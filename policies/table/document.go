package table

import (
	"encoding/json"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"cordon/policies"
)

// document is a data file of a policy, without what is typed in it: settings and words hold no kinds but those declared.
type document struct {
	at    ast.Ref // where it is laid
	holds any
}

var typed = []ast.Ref{ast.MustParseRef("data.cordon.settings"), ast.MustParseRef("data.cordon.words")}

func documentsOf(src policies.Source) []document {
	var all []document
	for _, file := range src.Paths() {
		d := document{at: ast.DefaultRootRef.Copy()}
		if strings.HasSuffix(file, ".rego") || !readNumbers(src.Files[file], &d.holds) {
			continue
		}
		if folder := path.Dir(file); folder != "." {
			for name := range strings.SplitSeq(folder, "/") {
				d.at = d.at.Append(ast.StringTerm(name))
			}
		}
		all = append(all, d)
	}
	return all
}

// says returns the words and numbers of all that a reference may be to in some documents.
func says(documents []document, ref ast.Ref) (words []string, numbers []int) {
	if !ref.HasPrefix(ast.DefaultRootRef) {
		return nil, nil
	}
	for _, d := range documents {
		more, others := d.says(ref)
		words, numbers = append(words, more...), append(numbers, others...)
	}
	return words, numbers
}

// says returns the words and numbers of what a reference may be to; of all where it is nil.
func (d *document) says(ref ast.Ref) (words []string, numbers []int) {
	var walk func(at ast.Ref, value any)
	walk = func(at ast.Ref, value any) {
		if at.Equal(typed[0]) || at.Equal(typed[1]) || ref != nil && !reaches(ref, at) {
			return
		}
		switch value := value.(type) {
		case map[string]any:
			for name, inner := range value {
				inside := at.Append(ast.StringTerm(name))
				if ref == nil || len(fixed(ref)) <= len(at) {
					words = append(words, name)
				}
				walk(inside, inner)
			}
		case []any:
			for i, inner := range value {
				walk(at.Append(ast.IntNumberTerm(i)), inner)
			}
		case string:
			words = append(words, value)
		case json.Number:
			if n, err := strconv.Atoi(value.String()); err == nil && n >= 0 && n < math.MaxInt16 {
				numbers = append(numbers, n)
			}
		}
	}
	walk(d.at, d.holds)
	return words, numbers
}
