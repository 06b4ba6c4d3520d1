package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// settingsFile is where the settings of a policy are.
const settingsFile = "cordon/settings.json"

func (a *app) policySet() *cobra.Command {
	return a.make(command{
		use: "set KEY VALUE", short: "Make a draft of the active version with one setting in another way, and print its digest",
		long: `Make a draft of the active version with one setting in another way, and print its digest, alone, on standard output. Nothing
is in force by that: it goes through the same checks and gates as every other version.

KEY is the name of a setting (docs/domain.md, Settings), a member of one after a dot. VALUE is JSON, or a word by itself;
"default" takes the setting out.`,
		example: `  cordon policy set administrators_manage_blocked_products true --as lena
  cordon policy set support_code.tries 10 -m "ticket 4711" --as lena
  cordon policy set left_to_organizations '["blocks_must_end"]' --as lena
  cordon policy set reasons.granted.person.it "Ha accesso a questo prodotto." --as lena`,
		args: exactly(2), settings: policySettings("message"), formats: formatsOfPolicy, run: a.setPolicy,
	})
}

func (a *app) setPolicy(ctx context.Context, c config, args []string) error {
	key, value := args[0], args[1]
	if key == "" || strings.Contains("."+key+".", "..") {
		return wrongUse("%q names no setting; write one as in support_code.tries", key)
	}
	remote, set, err := a.actOnSet(ctx, c)
	if err != nil {
		return err
	}
	files, err := remote.PolicyFiles(ctx, c.text("set"), set.Active)
	if err != nil {
		return a.failed(c, err)
	}
	text, err := withSetting(files[settingsFile], strings.Split(key, "."), value)
	if err != nil {
		return fmt.Errorf("change %s: %w", settingsFile, err)
	}
	files[settingsFile] = text
	push := client.PolicyPush{Parent: set.Active, Message: firstText(c.text("message"), "set "+key+" to "+value), Files: files}
	made, err := remote.PushPolicy(ctx, c.text("set"), push)
	if err != nil {
		return a.failedPolicy(c, err, editing{"", files})
	}
	if c.text("output") == "json" {
		return a.printJSON(made)
	}
	if made.Version.Digest == set.Active {
		fmt.Fprintf(a.err, "nothing was changed: %s is so in the active version\n", plain(key))
	}
	a.tellReport(&made.Report, editing{"", files})
	return a.say(made.Version.Digest)
}

// withSetting returns the text of a file of settings with one of them in another way. Its members are in the order of their
// names, as the shipped one has them.
func withSetting(text string, key []string, value string) (string, error) {
	document := map[string]any{}
	if text != "" {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&document); err != nil {
			return "", err
		}
	}
	at := document
	path := append([]string{"settings"}, key...)
	for _, name := range path[:len(path)-1] {
		next, ok := at[name].(map[string]any)
		if !ok {
			if at[name] != nil {
				return "", errors.New(name + " has no members")
			}
			next = map[string]any{}
			at[name] = next
		}
		at = next
	}
	last := path[len(path)-1]
	if value == unset {
		delete(at, last)
	} else {
		dec := json.NewDecoder(strings.NewReader(value))
		dec.UseNumber()
		var is any
		if err := dec.Decode(&is); err != nil || dec.More() {
			is = value // a word by itself
		}
		at[last] = is
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(document); err != nil {
		return "", err
	}
	return out.String(), nil
}
