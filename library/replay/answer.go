package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cordon/ledger/record"
	"cordon/policies"
)

const (
	// mostRemembered bounds the bytes of the inputs whose answers are remembered. Beyond, all are forgotten: whoever makes
	// up names has each of them decided, and takes nobody's memory.
	mostRemembered = 16 << 20
	// rememberedBeside is what an answer takes beside its input, about.
	rememberedBeside = 300
	// budget is how long a version may take for one input, and mostOverBudget for how many it may take longer before it is
	// given up: it would hold up the replay, and everybody if it were in force.
	budget         = time.Second
	mostOverBudget = 20
)

// ErrBudget is wrapped where a version takes too long to be asked about a whole log.
var ErrBudget = errors.New("the version takes too long for an answer")

// answer is what a version says of an input.
type answer struct {
	to         string
	codes      string // of its reasons, joined
	role       string
	why        string // it is undecided
	unreadable error  // the input cannot be read; nothing else is set then
}

func (a *answer) allows() bool { return a.to == Allow }

// answers are those that a version gave, by inputs as they stand in records.
type answers struct {
	engine *policies.Engine
	timed  bool // the version's rules look at the time
	known  map[string]*answer
	bytes  int
	most   int           // of them
	budget time.Duration // for one input
	asked  int64
	over   int // how many took longer than the budget
	key    []byte
	read   map[string]string // codes, joined, by reasons as they stand in records
}

func newAnswers(engine *policies.Engine) *answers {
	return &answers{
		engine: engine, timed: engine.Time(time.Time{}) != nil,
		known: map[string]*answer{}, read: map[string]string{}, most: mostRemembered, budget: budget,
	}
}

// of returns what the version says of a record's input. Where its rules look at the time, that is the record's: it was
// decided then, whether the policy that decided it looked at the time or not.
func (s *answers) of(ctx context.Context, entry *record.Record) (*answer, error) {
	key := []byte(entry.Input)
	var at *policies.Time
	if s.timed {
		at = s.engine.Time(entry.Time)
		s.key = fmt.Appendf(append(s.key[:0], entry.Input...), "%s %d", at.Weekday, at.Hour)
		if at.Minute != nil {
			s.key = fmt.Appendf(s.key, ":%d", *at.Minute)
		}
		key = s.key
	}
	if a, ok := s.known[string(key)]; ok {
		return a, nil
	}
	a, err := s.ask(ctx, entry.Input, at)
	if err != nil {
		return nil, err
	}
	if s.bytes += len(key) + rememberedBeside; s.bytes > s.most {
		clear(s.known)
		s.bytes = len(key) + rememberedBeside
	}
	s.known[string(key)] = a
	return a, nil
}

// ask decides an input. It is not the engine's memo that remembers the answer: that is for those who ask now.
func (s *answers) ask(ctx context.Context, text []byte, at *policies.Time) (*answer, error) {
	input, err := policies.ReadInput(text)
	if err != nil {
		return &answer{unreadable: err}, nil
	}
	if at != nil {
		input.Time = at
	}
	s.asked++
	a := &answer{role: role(&input.Subject)} // as it was called then
	s.engine.Current(input)
	limited, cancel := context.WithTimeout(ctx, s.budget)
	defer cancel()
	decision, err := s.engine.DecideUncached(limited, input)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		if errors.Is(err, policies.ErrTimeout) {
			if s.over++; s.over > mostOverBudget {
				return nil, fmt.Errorf("%w: more than %s for each of %d inputs", ErrBudget, s.budget, s.over)
			}
		}
		a.to, a.why = Undecided, err.Error()
		return a, nil
	}
	codes := make([]string, len(decision.Reasons))
	for i, reason := range decision.Reasons {
		codes[i] = reason.Code
	}
	a.to, a.codes = verdict(decision.Allowed), strings.Join(codes, separator)
	return a, nil
}

// separator stands between the codes of reasons; no code has one.
const separator = " "

// codes returns the codes of reasons, joined.
func (s *answers) codes(reasons []byte) (string, error) {
	if joined, ok := s.read[string(reasons)]; ok {
		return joined, nil
	}
	var list []policies.Reason
	if err := json.Unmarshal(reasons, &list); err != nil {
		return "", fmt.Errorf("read reasons: %w", err)
	}
	codes := make([]string, len(list))
	for i, reason := range list {
		codes[i] = reason.Code
	}
	joined := strings.Join(codes, separator)
	if len(s.read) == mostReasons {
		clear(s.read)
	}
	s.read[string(reasons)] = joined
	return joined, nil
}

// mostReasons bounds how many different reasons are remembered.
const mostReasons = 4096

func verdict(allowed bool) string {
	if allowed {
		return Allow
	}
	return Deny
}

// role returns the role of a subject, and of one who is no user what they are.
func role(s *policies.Subject) string {
	if s.Kind != policies.SubjectUser {
		return s.Kind
	}
	return s.Role
}
