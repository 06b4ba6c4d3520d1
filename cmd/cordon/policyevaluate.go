package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

func (a *app) policyEvaluate() *cobra.Command {
	return a.make(command{
		use: "evaluate [USER ACTION PRODUCT]", short: "Try a question on a version of a policy, and see how it comes to its answer",
		long: `Try a question on a version of a policy: the one in force, or --version. A question is asked as cordon check asks it, on
what is known now or was known at --at; or --input gives the facts themselves, as the input of a record, of a counterexample
or of a difference has them. --facts changes some of them: what if she were administrator?

It prints the answer and its reasons, the rules that held by file and row, what print statements wrote, and the smallest
changes of facts that would turn the answer; -o json has the trace, too. It is no decision: it is on record as a reading.
The exit code is 0 for allowed and 1 for denied.`,
		example: `  cordon policy evaluate carol manage web-1
  cordon policy evaluate carol manage web-1 --version 5a91c2 --facts '{"subject":{"role":"administrator"}}'
  cordon policy evaluate --version policy --input '{"action":{"name":"manage"},"resource":{"type":"product","known":true}}'`,
		args: upTo(0, 3), ids: []string{client.TypeUser, argAction, argResource},
		settings: policySettings("version", "input", "facts", "at", "type", "organization", "channel", "role"), formats: formatsOfPolicy,
		run: a.evaluatePolicy,
	})
}

// upTo wants none of the arguments, or all.
func upTo(none, all int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == none || len(args) == all {
			return nil
		}
		return exactly(all)(cmd, args)
	}
}

func (a *app) evaluatePolicy(ctx context.Context, c config, args []string) error {
	var trial client.PolicyTrial
	var err error
	if trial.Question, trial.Input, err = questionOrInput(c, args); err != nil {
		return err
	}
	if facts := c.text("facts"); facts != "" {
		if trial.Facts, err = document("facts", facts); err != nil {
			return err
		}
	}
	if c.text("at") != "" {
		if trial.At, err = c.moment("at", time.Now()); err != nil {
			return err
		}
	}
	remote, err := a.policies(c)
	if err != nil {
		return err
	}
	if named := c.text("version"); named != "" {
		if trial.Digest, err = a.versionOf(ctx, c, remote, named); err != nil {
			return err
		}
	}
	got, err := remote.EvaluatePolicy(ctx, c.text("set"), trial)
	if err != nil {
		return a.failed(c, err)
	}
	if c.text("output") == "json" {
		err = a.printJSON(got)
	} else {
		err = a.tellEvaluation(&got)
	}
	if err == nil && !got.Decision {
		return &exit{code: exitDenied}
	}
	return err
}

// questionOrInput reads what is asked about: arguments as cordon check has them, or --input.
func questionOrInput(c config, args []string) (*client.EvaluationRequest, json.RawMessage, error) {
	input := c.text("input")
	switch {
	case input != "" && len(args) > 0:
		return nil, nil, wrongUse("give USER ACTION PRODUCT or --input, and not both")
	case input != "":
		text, err := document("input", input)
		return nil, text, err
	case len(args) == 0:
		return nil, nil, wrongUse("give USER ACTION PRODUCT, or --input")
	}
	question := &client.EvaluationRequest{
		Subject:  client.Subject{Type: client.TypeUser, ID: args[0]},
		Action:   client.Action{Name: args[1], Properties: properties(c, "channel", "role")},
		Resource: client.Resource{Type: c.text("type"), ID: args[2], Properties: properties(c, "organization")},
	}
	kind := question.Resource.Type
	if (kind == client.TypeUser || kind == client.TypeChannel) && c.text("organization") == "" {
		return nil, nil, wrongUse("a question about a %s needs --organization (or CORDON_ORGANIZATION)", kind)
	}
	return question, nil, nil
}

// document is the JSON of a setting, or of the file that it names after an @.
func document(name, value string) (json.RawMessage, error) {
	if file, ok := strings.CutPrefix(value, "@"); ok {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, wrongUse("--%s: %w", name, err)
		}
		value = string(text)
	}
	if !json.Valid([]byte(value)) {
		return nil, wrongUse("--%s is no JSON; put it in single quotes, or in a file that @FILE names", name)
	}
	return json.RawMessage(value), nil
}

// tellEvaluation tells what came of a trial.
func (a *app) tellEvaluation(e *client.PolicyEvaluation) error {
	lines := []string{a.verdict(e.Decision)}
	if e.Undecided != "" {
		lines[0] += ": " + plain(e.Undecided)
	}
	for i, r := range e.Reasons {
		if i == 0 {
			lines[0] += ": " + plain(reasonText(r))
			continue
		}
		lines = append(lines, "        "+plain(reasonText(r)))
	}
	lines = append(lines, "by "+shortDigest(e.Digest)+"; it is no decision")
	part := func(title string, rows []string) {
		if len(rows) > 0 {
			lines = append(lines, "", title)
		}
		for _, row := range rows {
			lines = append(lines, "  "+plain(row))
		}
	}
	var held, turns []string
	for _, r := range e.Rules {
		said := ""
		if !r.Said {
			said = " (not said)"
		}
		held = append(held, fmt.Sprintf("%s:%d: %s, %s%s", r.Path, r.Row, r.Code, r.Effect, said))
	}
	for _, turn := range e.WhyNot {
		turns = append(turns, turn.Text)
	}
	part("rules that held:", held)
	part("printed:", slices.Clone(e.Printed))
	part("what would turn it:", turns)
	if _, err := fmt.Fprintln(a.out, strings.Join(lines, "\n")); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// policyTestAdd is a command of policy test.
func (a *app) policyTestAdd() *cobra.Command {
	return a.make(command{
		use: "add [DIR]", short: "Make a test of a decision on record, or of a question",
		long: `Make a test of a decision on record (--from ID) or of the facts of a question (--input): that the policy answers so, with
these reasons. --decision says what it is to answer instead. With DIR the test is written into that folder, as a file of its
own; without, a draft is made of --version (the one in force) and the test. A decision is decided again first: its test
passes on the policy that decided it; the key needs the scope audit for that, too.`,
		example: `  cordon policy test add policy --from 01990b6c-2f4e-7b3e-9a55-0d3a1f6f7a10
  cordon policy test add --from 01990b6c-2f4e-7b3e-9a55-0d3a1f6f7a10 --as lena`,
		args: between(0, 1), ids: []string{argFolder},
		settings: policySettings("version", "from", "input", "decision", "message"), formats: formatsOfPolicy,
		run: a.addPolicyTest,
	})
}

func (a *app) addPolicyTest(ctx context.Context, c config, args []string) error {
	of := client.PolicyTestOf{From: c.text("from"), Message: c.text("message")}
	switch {
	case (of.From == "") == (c.text("input") == ""):
		return wrongUse("give --from ID or --input, and not both")
	case of.From != "" && !isRecordID(of.From):
		return wrongUse("--from %s is no id of a decision; cordon log lists them", of.From)
	}
	var err error
	if of.From == "" {
		if of.Input, err = document("input", c.text("input")); err != nil {
			return err
		}
	}
	switch want := c.text("decision"); want {
	case "":
	case "allowed", "denied", "true", "false":
		allowed := want == "allowed" || want == "true"
		of.Decision = &allowed
	default:
		return wrongUse("--decision is allowed or denied, not %q", want)
	}
	remote, err := a.actOnPolicy(c)
	if err != nil {
		return err
	}
	digest, err := a.versionOf(ctx, c, remote, firstText(c.text("version"), "active"))
	if err != nil {
		return err
	}
	var made client.PolicyTestMade
	if len(args) == 0 {
		made, err = remote.AddPolicyTest(ctx, c.text("set"), digest, of)
	} else {
		made, err = remote.PreviewPolicyTest(ctx, c.text("set"), digest, of)
	}
	if err != nil {
		return a.failedPolicy(c, err, editing{})
	}
	said := made.Path
	if len(args) > 0 {
		t, err := openWorkspace(args[0], false)
		if err != nil {
			return err
		}
		defer t.close()
		if err := t.put(made.Path, made.Text); err != nil {
			return err
		}
		said = t.shown(made.Path)
	}
	if c.text("output") == "json" {
		return a.printJSON(made)
	}
	if made.Version != nil {
		fmt.Fprintf(a.err, "%s has the test %s\n", shortDigest(made.Version.Digest), made.Path)
		said = made.Version.Digest
	}
	return a.say(said)
}
