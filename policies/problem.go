package policies

import (
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Problem is one thing that is wrong with a policy, where its editor can find it. Row and Column count from 1 and are
// 0 when the problem has no place.
type Problem struct {
	File    string `json:"path,omitempty"`
	Row     int    `json:"row,omitempty"`
	Column  int    `json:"col,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// String gives the problem as compilers do: file:row:column: message.
func (p Problem) String() string {
	if p.Row == 0 {
		if p.File == "" {
			return p.Message
		}
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Row, p.Column, p.Message)
}

// ProblemsError is the error of a policy that was refused, with everything that is wrong with it.
type ProblemsError struct{ Problems []Problem }

// Error gives one problem a line.
func (e *ProblemsError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, problem := range e.Problems {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// problems turns what OPA reports into a ProblemsError; any other error stays as it is.
func problems(err error) error {
	if one, ok := errors.AsType[*ast.Error](err); ok {
		return &ProblemsError{Problems: []Problem{problem(one)}}
	}
	many, ok := errors.AsType[ast.Errors](err)
	if !ok {
		return err
	}
	out := &ProblemsError{}
	for _, one := range many {
		out.Problems = append(out.Problems, problem(one))
	}
	return out
}

func problem(err *ast.Error) Problem {
	p := Problem{Code: err.Code, Message: err.Message}
	if err.Location != nil {
		p.File, p.Row, p.Column = err.Location.File, err.Location.Row, err.Location.Col
	}
	if name, ok := strings.CutPrefix(err.Message, "undefined function "); ok && refused(name) {
		p.Message = name + " is not allowed in Cordon policies: a decision depends on its input alone"
		return p
	}
	if name, ok := strings.CutPrefix(err.Message, "undefined function "); ok {
		p.Message += didYouMean(name, builtinNames())
	}
	if err.Details != nil {
		for _, line := range err.Details.Lines() {
			if line = strings.TrimSpace(line); line != "" && strings.Trim(line, "^ ") != "" {
				p.Message += "; " + line
			}
		}
	}
	if wrong, ok := err.Details.(*ast.RefErrInvalidDetail); ok && wrong.Pos < len(wrong.Ref) {
		if word, ok := wrong.Ref[wrong.Pos].Value.(ast.String); ok {
			var words []string
			for _, value := range wrong.OneOf {
				if one, ok := value.(ast.String); ok {
					words = append(words, string(one))
				}
			}
			p.Message += didYouMean(string(word), words)
		}
	}
	return p
}

// didYouMean asks for the nearest word, where one is near.
func didYouMean(word string, words []string) string {
	if near := nearest(word, words); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}
