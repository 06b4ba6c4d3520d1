package policies

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// questionTime is what a question may take of a policy that is checked: the built-in rules take a thousandth of it.
// patience is how much more it gets once, so that a machine that is busy is not taken for a rule that does not end.
const (
	questionTime = 100 * time.Millisecond
	patience     = 10
	mostRunaway  = 5
)

// spend asks a policy about everything that it has words for, and stops and names the rules that do not end in time.
func (e *Engine) spend(ctx context.Context) (Budget, error) {
	b := Budget{Held: true, LimitMS: questionTime.Milliseconds(), Runaway: []Problem{}}
	for _, in := range e.probes() {
		start := time.Now()
		err := e.within(ctx, questionTime, in)
		b.Questions++
		b.SlowestUS = max(b.SlowestUS, time.Since(start).Microseconds())
		if err == nil || errors.Is(err, ErrResult) {
			continue // what is undecided is for the table of truth to tell
		}
		last := &lastRule{}
		err = e.within(ctx, patience*questionTime, in, rego.EvalQueryTracer(last))
		if ctx.Err() != nil {
			return Budget{}, context.Cause(ctx)
		}
		if !errors.Is(err, ErrTimeout) {
			continue
		}
		b.Held = false
		found := last.problem(in)
		if !slices.ContainsFunc(b.Runaway, func(p Problem) bool { return p.File == found.File && p.Row == found.Row }) {
			b.Runaway = append(b.Runaway, found)
		}
		if len(b.Runaway) == mostRunaway || b.Questions > mostRunaway && len(b.Runaway) > 0 {
			break
		}
	}
	return b, nil
}

func (e *Engine) within(ctx context.Context, limit time.Duration, in *Input, more ...rego.EvalOption) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := e.evaluate(ctx, e.plain, in, more...)
	return err
}

// probes are questions and acts about everything that a policy has words for, plain and with all that can be the case.
func (e *Engine) probes() []*Input {
	now := &Time{Weekday: "saturday", Hour: 12}
	var out []*Input
	for _, on := range slices.Sorted(maps.Keys(e.vocabulary.actions)) {
		for _, name := range e.vocabulary.actions[on] {
			for _, role := range append(e.Roles(), "") {
				for _, full := range []bool{false, true} {
					in := &Input{
						Action:       NewAction(name, "", RoleAdministrator),
						Subject:      Subject{Kind: SubjectUser, Member: role != "", Role: role},
						Resource:     Resource{Type: on, Known: true, Kind: "web_hosting"},
						Organization: Organization{OtherAdmins: true},
						Time:         now,
					}
					if full {
						in.Subject.Granted, in.Subject.Blocked, in.Subject.BlockedChannels = true, true, e.Channels()
						in.Resource.Kind, in.Resource.Maintenance = KindMailService, true
						in.Resource.Blocks = []string{OriginAdministrator, OriginHost, OriginSupport}
						in.Act = &Act{Origin: OriginAdministrator, Code: CodeValid, Justification: true}
					}
					if role == "" && full {
						in.Subject.Kind = SubjectHost
					}
					if on != TypeProduct {
						in.Resource.Kind, in.Resource.Maintenance = "", false
					}
					if on == TypeUser {
						in.Resource.Role = RoleLegalRepresentative
					}
					out = append(out, in)
				}
			}
		}
	}
	return out
}

// lastRule remembers which rule was entered last.
type lastRule struct{ rule *ast.Rule }

func (l *lastRule) Enabled() bool               { return true }
func (l *lastRule) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent takes note of an event.
func (l *lastRule) TraceEvent(event topdown.Event) {
	if rule, ok := event.Node.(*ast.Rule); ok && event.Op == topdown.EnterOp {
		l.rule = rule
	}
}

func (l *lastRule) problem(in *Input) Problem {
	p := Problem{Code: "budget_exceeded"}
	name := "the policy"
	if l.rule != nil && l.rule.Location != nil {
		p.File, p.Row, p.Column = l.rule.Location.File, l.rule.Location.Row, l.rule.Location.Col
		name = l.rule.Ref().String()
	}
	p.Message = fmt.Sprintf("%s did not end within %v, asked about %s on a %s", name, patience*questionTime, in.Action.Name, in.Resource.Type)
	return p
}
