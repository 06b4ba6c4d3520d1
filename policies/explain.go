package policies

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/lineage"
)

// Explanation is a decision with how the rules came to it.
type Explanation struct {
	*Decision
	// Rules are the bodies that held, by path and row: those of the reasons, and those that another reason keeps from being said.
	Rules []Fired
	// Trace is the evaluation as OPA tells it, one line an event, for who writes rules.
	Trace []string
}

// Fired is one body of a rule that held.
type Fired struct {
	Path   string // of the module within the policy
	Row    int    // where the body begins in it
	Code   string
	Denies bool
	// Counts reports whether the code is among the reasons of the decision: what stands behind a reason that stands alone
	// held and is not said, and of several grants the first by rank is.
	Counts bool
}

// mostTraced bounds the events of a trace. The built-in rules come to some 700.
const mostTraced = 10_000

// Explain decides an input by the rules as they are written, looks at every body that they ask about, and says which held:
// where something denies, they ask for no grant. Its decision is that of DecideUncached, and so are its errors.
func (e *Engine) Explain(ctx context.Context, in *Input) (*Explanation, error) {
	x, err := e.explain(ctx, e.plain, in)
	if err != nil {
		return nil, err
	}
	return x, nil
}

// explain explains a query; where there is no decision, how far it came.
func (e *Engine) explain(ctx context.Context, query *rego.PreparedEvalQuery, in *Input, more ...rego.EvalOption) (*Explanation, error) {
	seen := &explainer{rules: e.rules}
	// Without index and early exit no body is passed over because of what another said.
	decision, err := e.evaluate(ctx, query, in, append(more, rego.EvalQueryTracer(seen), rego.EvalRuleIndexing(false), rego.EvalEarlyExit(false))...)
	x := &Explanation{Decision: decision, Rules: seen.fired, Trace: seen.lines()}
	slices.SortFunc(x.Rules, func(a, b Fired) int { return a.compare(&b) })
	x.Rules = slices.Compact(x.Rules)
	if err != nil {
		return x, err
	}
	for i := range x.Rules {
		x.Rules[i].Counts = slices.ContainsFunc(decision.Reasons, func(reason Reason) bool { return reason.Code == x.Rules[i].Code })
	}
	return x, nil
}

// explainer takes note of the bodies that hold, and of the first events of an evaluation: however long it runs, what is
// kept of it is bounded.
type explainer struct {
	rules  map[string]*rule
	fired  []Fired
	events []*topdown.Event
	more   int
}

func (x *explainer) Enabled() bool               { return true }
func (x *explainer) Config() topdown.TraceConfig { return topdown.TraceConfig{PlugLocalVars: true} }

// TraceEvent takes note of an event.
func (x *explainer) TraceEvent(event topdown.Event) {
	if len(x.events) < mostTraced {
		x.events = append(x.events, &event)
	} else {
		x.more++
	}
	head, ok := event.Node.(*ast.Rule)
	if !ok || event.Op != topdown.ExitOp || head.Module == nil || len(x.fired) == mostTraced {
		return
	}
	ref := head.Ref()
	if !ref.HasPrefix(rulesRef) || len(ref) != len(rulesRef)+2 || !saysDenyOrGrant(ref[len(rulesRef)+1]) {
		return
	}
	name, ok := ref[len(rulesRef)].Value.(ast.String)
	if r := x.rules[string(name)]; ok && r != nil {
		x.fired = append(x.fired, Fired{Path: head.Location.File, Row: head.Location.Row, Code: r.Code, Denies: r.denies})
	}
}

// lines prints the events.
func (x *explainer) lines() []string {
	if len(x.events) == 0 {
		return nil
	}
	var text bytes.Buffer
	topdown.PrettyTraceWithLocation(&text, lineage.Full(x.events))
	out := strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	for i := range out {
		out[i] = cut(strings.TrimRight(out[i], " "))
	}
	if x.more > 0 {
		out = append(out, fmt.Sprintf("... and %d events more", x.more))
	}
	return out
}

func (f *Fired) compare(other *Fired) int {
	if f.Path != other.Path {
		return strings.Compare(f.Path, other.Path)
	}
	return f.Row - other.Row
}

// ReadInput reads an input as a record holds it (Decision.InputJSON). What this release does not know in it is an error: the
// rules would be asked about less than the record says.
func ReadInput(text []byte) (*Input, error) {
	var in Input
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	if dec.More() {
		return nil, fmt.Errorf("read input: something follows it")
	}
	return &in, nil
}

// Said returns what the policy says of a verdict and the codes of its reasons, in the order given, and whether it has rules
// of all of these codes and of that verdict.
func (e *Engine) Said(allowed bool, codes []string) (*Outcome, bool) {
	for _, code := range codes {
		if r := e.rules[code]; r == nil || r.grants != allowed {
			return nil, false
		}
	}
	o, err := e.outcome(allowed, codes)
	return o, err == nil && len(codes) > 0
}
