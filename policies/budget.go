package policies

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/metrics"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// questionTime is what a question may take of a policy that is checked: the built-in rules take a thousandth of it.
// patience is how much more it gets once, so that a machine that is busy is not taken for a rule that does not end.
// togetherTime is what all questions may take, of which the built-in rules take a hundredth.
const (
	questionTime = 100 * time.Millisecond
	patience     = 10
	togetherTime = 10 * time.Second
	mostRunaway  = 5
	// questionBytes is what a question may take of memory: the built-in rules take a thousandth of that, too.
	questionBytes = 16 << 20
)

// Probe is a question that a policy is asked to see what it takes.
type Probe struct {
	About string // what it asks, as in: manage on a product
	Ask   func(ctx context.Context, more ...rego.EvalOption) error
}

// spend asks a policy about everything that it has words for, and about words that it has not.
func (e *Engine) spend(ctx context.Context, together time.Duration) (Budget, error) {
	inputs := e.probes()
	probes := make([]Probe, len(inputs))
	for i, in := range inputs {
		probes[i] = Probe{About: in.Action.Name + " on a " + in.Resource.Type, Ask: func(ctx context.Context, more ...rego.EvalOption) error {
			_, err := e.evaluate(ctx, e.plain, in, more...)
			return err
		}}
	}
	return spend(ctx, probes, together)
}

// Spend asks the questions. It names the rules that do not end in time, which it stops, those that take too much memory, and
// where all questions take too long together the slowest.
func Spend(ctx context.Context, probes []Probe) (Budget, error) {
	return spend(ctx, probes, togetherTime)
}

func spend(ctx context.Context, probes []Probe, together time.Duration) (Budget, error) {
	b := Budget{Held: true, LimitMS: questionTime.Milliseconds(), Runaway: []Problem{}}
	var slowest *Probe
	for begun := time.Now(); b.Questions < len(probes); {
		probe := &probes[b.Questions]
		if slowest != nil && time.Since(begun) > together {
			return b.slow(ctx, slowest, fmt.Sprintf("takes too long (%d of %d questions took more than %v together)", b.Questions, len(probes), together))
		}
		start := time.Now()
		taken, err := probe.within(ctx, questionTime)
		b.Questions++
		if took := time.Since(start).Microseconds(); slowest == nil || took > b.SlowestUS {
			slowest, b.SlowestUS = probe, took
		}
		if !errors.Is(err, ErrTimeout) && taken <= questionBytes {
			continue // what is undecided is for the table of truth to tell
		}
		last := watchRules()
		taken, err = probe.within(ctx, patience*questionTime, rego.EvalQueryTracer(last))
		if ctx.Err() != nil {
			return Budget{}, context.Cause(ctx)
		}
		var found Problem
		switch {
		case errors.Is(err, ErrTimeout):
			found = problemOf(last.rule, probe, fmt.Sprintf("did not end within %v", patience*questionTime))
		case taken > questionBytes:
			found = problemOf(last.greedy, probe, fmt.Sprintf("took more than %d MiB of memory", questionBytes>>20))
		default:
			continue
		}
		b.Held = false
		if !slices.ContainsFunc(b.Runaway, func(p Problem) bool { return p.File == found.File && p.Row == found.Row }) {
			b.Runaway = append(b.Runaway, found)
		}
		if len(b.Runaway) == mostRunaway || b.Questions > mostRunaway && len(b.Runaway) > 0 {
			break
		}
	}
	return b, nil
}

// slow asks the slowest question once more, to name the rule that takes most of its time.
func (b Budget) slow(ctx context.Context, probe *Probe, did string) (Budget, error) {
	last := watchRules()
	if _, err := probe.within(ctx, patience*questionTime, rego.EvalQueryTracer(last)); err != nil && ctx.Err() != nil {
		return Budget{}, context.Cause(ctx)
	}
	b.Held = false
	b.Runaway = append(b.Runaway, problemOf(last.slowest(), probe, did))
	return b, nil
}

// within asks a question for so long, and returns the bytes that it took. What else goes on in the process is among them.
func (p *Probe) within(ctx context.Context, limit time.Duration, more ...rego.EvalOption) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	before := allocated()
	err := p.Ask(ctx, more...)
	return allocated() - before, err
}

// allocated is how many bytes this process has taken so far, with all that it gave back.
func allocated() uint64 {
	sample := [1]metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample[:])
	return sample[0].Value.Uint64()
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
						Resource:     Resource{Type: on, Known: true, Kind: KindWebHosting},
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
	return append(out, e.oddProbes(now)...)
}

// lastRule remembers which rule was entered last, in which most memory was taken at once, and how long each took.
type lastRule struct {
	rule, greedy *ast.Rule
	before, most uint64
	at           time.Time
	took         map[*ast.Rule]time.Duration
}

func watchRules() *lastRule {
	return &lastRule{before: allocated(), at: time.Now(), took: map[*ast.Rule]time.Duration{}}
}

// slowest is the rule that took longest.
func (l *lastRule) slowest() (rule *ast.Rule) {
	for other, took := range l.took {
		if took > l.took[rule] {
			rule = other
		}
	}
	return rule
}

func (l *lastRule) Enabled() bool               { return true }
func (l *lastRule) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent takes note of an event.
func (l *lastRule) TraceEvent(event topdown.Event) {
	now := allocated()
	if now-l.before > l.most {
		l.most, l.greedy = now-l.before, l.rule
	}
	l.before = now
	l.took[l.rule] += time.Since(l.at)
	l.at = time.Now()
	if rule, ok := event.Node.(*ast.Rule); ok && event.Op == topdown.EnterOp {
		l.rule = rule
	}
}

// problemOf says what a rule did when it was asked.
func problemOf(rule *ast.Rule, probe *Probe, did string) Problem {
	p := Problem{Code: "budget_exceeded"}
	name := "the policy"
	if rule != nil && rule.Location != nil {
		p.File, p.Row, p.Column = rule.Location.File, rule.Location.Row, rule.Location.Col
		name = rule.Ref().String()
	}
	p.Message = fmt.Sprintf("%s %s, asked about %s", name, did, probe.About)
	return p
}
