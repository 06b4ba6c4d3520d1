package policies

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

// Case is an answer that a policy is to give, and the test that holds it to that.
type Case struct {
	Name    string // names its file and its test; what is no letter or digit becomes an underscore there
	Remark  string // where it comes from, in a line
	Input   *Input
	Allowed bool
	Codes   []string // of reasons that must be among those that hold
}

// casesFolder is where cases lie: a file for each name, so that who adds a case changes no other.
const casesFolder = "cordon/cases/"

// File gives the path and the text of the test, formatted.
func (c *Case) File() (path, text string, err error) {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, c.Name)
	path = casesFolder + name + "_test.rego"
	input, err := json.MarshalIndent(c.Input, "", "\t")
	if err != nil {
		return "", "", fmt.Errorf("write case: %w", err)
	}
	var out strings.Builder
	out.WriteString("package cordon.cases_test\n\n")
	if c.Remark != "" {
		fmt.Fprintf(&out, "# %s\n", strings.Join(strings.Fields(c.Remark), " "))
	}
	fmt.Fprintf(&out, "test_%s if {\n\tdecision := data.cordon.decision with input as %s\n", name, input)
	if c.Allowed {
		out.WriteString("\tdecision.allowed\n")
	} else {
		out.WriteString("\tnot decision.allowed\n")
	}
	for _, code := range c.Codes {
		fmt.Fprintf(&out, "\t%s in decision.reasons\n", ast.String(code))
	}
	out.WriteString("}\n")
	formatted, err := format.SourceWithOpts(path, []byte(out.String()), format.Opts{RegoVersion: ast.RegoV1})
	if err != nil {
		return "", "", fmt.Errorf("write case: %w", err)
	}
	return path, string(formatted), nil
}
