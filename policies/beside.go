package policies

import (
	_ "embed"
	"io/fs"
)

//go:embed .regal.yaml
var regal string

// Beside gives what lies beside a policy in a folder that people edit it in, by path: the schemas that it is checked
// against, and how Regal is to read it. It is no part of the policy: the schemas have an ending that OPA does not take for
// data, and what is Regal's, which is YAML, OPA loads under the name of its folder, where no rule looks.
func Beside() map[string]string {
	out := map[string]string{".regal/config.yaml": regal}
	names, err := fs.Glob(files, "schemas/*.jsonschema")
	for _, name := range names {
		var text []byte
		if text, err = files.ReadFile(name); err == nil {
			out[name] = string(text)
		}
	}
	if err != nil {
		panic("policies: an embedded schema is broken: " + err.Error()) // a build that no test has seen
	}
	return out
}
