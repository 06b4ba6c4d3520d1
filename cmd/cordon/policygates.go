package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

func (a *app) policyGates() *cobra.Command {
	return a.make(command{
		use: "gates [GATE=VALUE...]", short: "Show what a version has to pass before it is activated, or set it",
		long: `Show the gates of a policy set, or set some of them and leave the others as they are; that takes the scope admin.

  second_person      yes, no, or auto: once two callers may approve
  coverage           least share of the rules that the tests reach, in per cent
  acknowledge_flips  yes or no: each group of changed decisions is acknowledged by its id
  diff_read          yes or no: whoever activates has read the difference
  invariants_free    names of invariants that a version may break, by comma; none`,
		example: `  cordon policy gates
  cordon policy gates second_person=yes coverage=95 --as root`,
		args: cobra.ArbitraryArgs, settings: policySettings(), formats: formatsOfPolicy,
		run: a.setGates,
	})
}

func (a *app) setGates(ctx context.Context, c config, args []string) error {
	changes := map[string]string{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if _, twice := changes[name]; !ok || twice || !slices.Contains(gateNames(), name) {
			return wrongUse("%q sets no gate: write each once, as in coverage=95; the gates are %s", arg, strings.Join(gateNames(), ", "))
		}
		changes[name] = value
	}
	if len(changes) > 0 {
		if err := c.needPerson(); err != nil {
			return err
		}
	}
	remote, err := a.policies(c)
	if err != nil {
		return err
	}
	set, err := remote.PolicySet(ctx, c.text("set"))
	if err != nil {
		return a.failed(c, err)
	}
	if len(changes) > 0 {
		for name, value := range changes {
			if err := setGate(&set.Gates, name, value); err != nil {
				return err
			}
		}
		if set, err = remote.IfMatch(set.ETag).SetPolicyGates(ctx, set.Set, set.Gates); err != nil {
			return a.failedPolicy(c, err, editing{})
		}
	}
	if c.text("output") == "json" {
		return a.printJSON(set.Gates)
	}
	t := a.table("GATE", "VALUE")
	for _, name := range gateNames() {
		t.row(name, gateValue(&set.Gates, name))
	}
	return t.end()
}

func gateNames() []string {
	return []string{"second_person", "coverage", "acknowledge_flips", "diff_read", "invariants_free"}
}

func setGate(g *client.PolicyGates, name, value string) error {
	yes, known := map[string]bool{"yes": true, "no": false}[value]
	switch {
	case name == "second_person" && value == "auto":
		g.SecondPerson = nil
	case name == "second_person" && known:
		g.SecondPerson = &yes
	case name == "acknowledge_flips" && known:
		g.AcknowledgeFlips = &yes
	case name == "diff_read" && known:
		g.DiffRead = yes
	case name == "invariants_free":
		g.InvariantsFree = strings.FieldsFunc(strings.TrimPrefix(value, "none"), func(r rune) bool { return r == ',' })
	case name == "coverage":
		share, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return wrongUse("coverage is a share in per cent, such as 95, and not %q", value)
		}
		g.Coverage = &share
	default:
		return wrongUse("%s is yes or no, and not %q", name, value)
	}
	return nil
}

func gateValue(g *client.PolicyGates, name string) string {
	yes := func(v *bool, otherwise string) string {
		switch {
		case v == nil:
			return otherwise
		case *v:
			return "yes"
		}
		return "no"
	}
	switch name {
	case "second_person":
		return yes(g.SecondPerson, "auto")
	case "acknowledge_flips":
		return yes(g.AcknowledgeFlips, "yes")
	case "diff_read":
		return yes(&g.DiffRead, "no")
	case "invariants_free":
		return firstText(strings.Join(g.InvariantsFree, ","), "none")
	}
	if g.Coverage == nil {
		return "100"
	}
	return strconv.FormatFloat(*g.Coverage, 'f', -1, 64)
}
