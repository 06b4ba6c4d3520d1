package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// source says where a setting came from, as an annotation of its flag.
const source = "cordon_source"

// ownFlag is an annotation of a flag that is no setting, whatever it is called.
const ownFlag = "cordon_own"

// own makes a flag the command's own: neither a variable nor the file says it.
func own(f *pflag.Flag) { f.Annotations = map[string][]string{ownFlag: {}} }

// resolve fills in the settings whose flags were not typed: from the variable, else from the file.
func resolve(flags *pflag.FlagSet, env func(string) (string, bool)) error {
	if flags.Lookup("config") == nil {
		return nil // a command of cobra's own
	}
	path, err := flags.GetString("config")
	if err != nil {
		return err
	}
	if v, ok := env(variable("config")); ok && path == "" {
		path = v
	}
	file, err := readSettings(path)
	if err != nil {
		return err
	}
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Annotations[ownFlag] != nil {
			return
		}
		if f.Changed {
			if instead, secret := secrets[f.Name]; secret {
				errs = append(errs, fmt.Errorf("--%s would show the secret to everyone who can list processes; use %s or --%s", f.Name, variable(f.Name), instead))
			}
			return
		}
		if saidEachCall(f.Name) {
			return
		}
		value, from := "", ""
		// An empty variable is as good as none: that is what compose files make of an unset one.
		if v, ok := env(variable(f.Name)); ok && v != "" {
			value, from = v, variable(f.Name)
		} else if v, ok := file[f.Name]; ok {
			value, from = v, path
		} else {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is no value of %s", from, value, f.Name))
			return
		}
		f.Annotations = map[string][]string{source: {from}}
	})
	return errors.Join(errs...)
}

// ignored lists the variables that look like a flag of the command which no variable can say.
func ignored(flags *pflag.FlagSet, env func(string) (string, bool)) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if v, ok := env(variable(f.Name)); ok && v != "" && saidEachCall(f.Name) {
			names = append(names, fmt.Sprintf("%s is ignored: --%s is said with each call", variable(f.Name), f.Name))
		}
	})
	return names
}

// typed tells whether a setting was typed as a flag.
func (c config) typed(name string) bool {
	f := c.flags.Lookup(name)
	return f.Changed && f.Annotations[source] == nil
}

// readSettings reads a YAML file of settings. It may have settings that a command does not use, and
// none that Cordon does not have.
func readSettings(path string) (map[string]string, error) {
	values := map[string]string{}
	if path == "" {
		return values, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return values, nil
	} else if err != nil {
		return nil, fmt.Errorf("read the configuration %s: %w", path, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the configuration %s: it has more than one document", path)
	}
	known := map[string]bool{}
	for _, g := range settings() {
		for _, s := range g.settings {
			known[s.name] = s.name != "config" && g.title != eachCall
		}
	}
	if err := flatten(document.Content[0], "", known, values); err != nil {
		return nil, fmt.Errorf("read the configuration %s: %w", path, err)
	}
	return values, nil
}

// flatten collects settings under their flags' names: journal-sync may be written so, as
// journal_sync, or as sync within journal.
func flatten(node *yaml.Node, prefix string, known map[string]bool, values map[string]string) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if known[prefix] {
		value, err := scalar(node)
		if err != nil {
			return fmt.Errorf("line %d: %s %w", node.Line, prefix, err)
		}
		if _, twice := values[prefix]; twice {
			return fmt.Errorf("line %d: %s is there twice", node.Line, prefix)
		}
		values[prefix] = value
		return nil
	}
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" && prefix == "" {
		return nil // nothing but comments
	}
	if node.Kind != yaml.MappingNode {
		if prefix == "" {
			return fmt.Errorf("line %d: it is no mapping of settings", node.Line)
		}
		return unknown(node, prefix)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		name := strings.ReplaceAll(key.Value, "_", "-")
		if prefix != "" {
			name = prefix + "-" + name
		}
		if !begins(name, known) {
			return unknown(key, name)
		}
		if err := flatten(node.Content[i+1], name, known, values); err != nil {
			return err
		}
	}
	return nil
}

func unknown(node *yaml.Node, name string) error {
	return fmt.Errorf("line %d: there is no setting %s; cordon help config lists all", node.Line, name)
}

// begins tells whether a name is a setting's or the beginning of one.
func begins(name string, known map[string]bool) bool {
	if known[name] {
		return true
	}
	for k, is := range known {
		if is && strings.HasPrefix(k, name+"-") {
			return true
		}
	}
	return false
}

// scalar is a value as it would be typed after a flag. Lists are joined by comma.
func scalar(node *yaml.Node) (string, error) {
	switch {
	case node.Kind == yaml.AliasNode:
		return scalar(node.Alias)
	case node.Kind == yaml.ScalarNode && node.Tag != "!!null":
		return node.Value, nil
	case node.Kind == yaml.SequenceNode:
		items := make([]string, len(node.Content))
		for i, n := range node.Content {
			if n.Kind != yaml.ScalarNode {
				return "", errors.New("is no list of plain values")
			}
			items[i] = n.Value
		}
		return strings.Join(items, ","), nil
	}
	return "", errors.New("has no plain value")
}
