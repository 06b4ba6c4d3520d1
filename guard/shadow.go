package guard

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"cordon/policies"
)

// Bounds of asking a version beside the one in force.
const (
	shadowWaiting = 1024        // questions that wait for it; more are dropped, and counted
	shadowTimeout = time.Second // that one may take
	shadowRecords = 20          // ids that are kept of each difference, the newest
	shadowKinds   = 200         // differences that are told apart
)

// shadow is a version that is asked beside the one in force.
type shadow struct {
	*policies.Engine
	sample float64 // of which share of the questions
}

// shadowed is a question that was answered and waits to be asked of the shadow.
type shadowed struct {
	shadow *shadow
	id     string // of its record
	at     time.Time
	*policies.Decision
}

// Changes between what a question was answered and what the shadow answers.
const (
	AllowToDeny  = "allow_to_deny"
	DenyToAllow  = "deny_to_allow"
	OtherReasons = "reasons"
)

// ShadowDifference is how the shadow answered some questions otherwise than the version in force.
type ShadowDifference struct {
	Change  string   // one of the three
	From    string   // the first reason of the answer
	To      string   // and of the shadow's
	Count   int64    // of questions
	Records []string // ids of their records, the newest, at most 20
}

// Shadowing is what came of asking a version beside the one in force, on this server and since both were in place.
type Shadowing struct {
	Shadow, Policy string // digests: of the one that is asked and of the one that answers; empty: none is asked
	Sample         float64
	Asked, Same    int64
	Failed         int64 // it gave no answer in time
	Dropped        int64 // since too many waited
	Seconds        float64
	Differences    []ShadowDifference // most first
}

// shadowing counts what came of it.
type shadowing struct {
	waiting chan shadowed
	policy  *enforcement

	mu    sync.Mutex
	of    Shadowing
	kinds map[[3]string]*ShadowDifference
}

func newShadowing(beside *enforcement) *shadowing {
	return &shadowing{waiting: make(chan shadowed, shadowWaiting), policy: beside}
}

// offer has a question that was answered, and is on record, asked of the shadow by and by, for a share of the questions. It
// waits for nothing: where too many are asked, this one is not.
func (s *shadowing) offer(answer *Answer, at time.Time) {
	p := s.policy.Load()
	if p.shadow == nil || p.Digest() != answer.Policy {
		return
	}
	if p.shadow.sample < 1 && rand.Float64() >= p.shadow.sample { //nolint:gosec // a sample need not be secret
		return
	}
	select {
	case s.waiting <- shadowed{p.shadow, answer.ID, at, answer.Decision}:
	default:
		s.note(p.shadow, answer.Policy, func(of *Shadowing) { of.Dropped++ })
	}
}

// run asks what waits, one after another, until ctx is done. So a shadow takes one processor at most.
func (s *shadowing) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-s.waiting:
			s.ask(ctx, &q)
		}
	}
}

// ask asks the shadow what was answered, on the same input.
func (s *shadowing) ask(ctx context.Context, q *shadowed) {
	limited, cancel := context.WithTimeout(ctx, shadowTimeout)
	defer cancel()
	begun := time.Now()
	var input policies.Input
	err := json.Unmarshal(q.InputJSON, &input)
	var other *policies.Decision
	if err == nil {
		q.shadow.Prepare(&input, q.at)
		other, err = q.shadow.Decide(limited, &input)
	}
	if ctx.Err() != nil {
		return
	}
	s.note(q.shadow, q.Policy, func(of *Shadowing) {
		of.Asked++
		of.Seconds += time.Since(begun).Seconds()
		switch {
		case err != nil:
			of.Failed++
		case q.Allowed && !other.Allowed:
			s.differs(AllowToDeny, q, other)
		case !q.Allowed && other.Allowed:
			s.differs(DenyToAllow, q, other)
		case !slices.EqualFunc(q.Reasons, other.Reasons, func(a, b policies.Reason) bool { return a.Code == b.Code }):
			s.differs(OtherReasons, q, other)
		default:
			of.Same++
		}
	})
}

// note counts something of a shadow and the policy beside which it was asked. What was of others is forgotten, and what
// comes late, when another of the two is in place, is not counted.
func (s *shadowing) note(of *shadow, policy string, count func(*Shadowing)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.policy.Load(); p.shadow == nil || p.shadow.Digest() != of.Digest() || p.Digest() != policy {
		return
	}
	if s.of.Shadow != of.Digest() || s.of.Policy != policy {
		s.of, s.kinds = Shadowing{Shadow: of.Digest(), Policy: policy}, map[[3]string]*ShadowDifference{}
	}
	count(&s.of)
}

// differs notes a difference; of those that are more than are told apart, only how they differ.
func (s *shadowing) differs(change string, q *shadowed, other *policies.Decision) {
	kind := [3]string{change, firstCode(q.Reasons), firstCode(other.Reasons)}
	d := s.kinds[kind]
	if d == nil && len(s.kinds) >= shadowKinds {
		kind = [3]string{change}
		d = s.kinds[kind]
	}
	if d == nil {
		d = &ShadowDifference{Change: kind[0], From: kind[1], To: kind[2]}
		s.kinds[kind] = d
	}
	d.Count++
	if len(d.Records) == shadowRecords {
		d.Records = d.Records[1:]
	}
	d.Records = append(d.Records, q.id)
}

func firstCode(reasons []policies.Reason) string {
	if len(reasons) == 0 {
		return ""
	}
	return reasons[0].Code
}

// Shadow returns what came of the version that is asked beside the one in force, on this server.
func (g *Guard) Shadow() Shadowing {
	p, s := g.policy.Load(), g.shadows
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.shadow == nil {
		return Shadowing{Policy: p.Digest()}
	}
	shown := Shadowing{Shadow: p.shadow.Digest(), Policy: p.Digest()}
	if s.of.Shadow == shown.Shadow && s.of.Policy == shown.Policy {
		shown = s.of
		for _, d := range s.kinds {
			d := *d
			d.Records = slices.Clone(d.Records)
			shown.Differences = append(shown.Differences, d)
		}
	}
	shown.Sample = p.shadow.sample
	slices.SortFunc(shown.Differences, func(a, b ShadowDifference) int {
		if a.Count != b.Count {
			return int(b.Count - a.Count)
		}
		return strings.Compare(a.Change+a.From+a.To, b.Change+b.From+b.To)
	})
	return shown
}
