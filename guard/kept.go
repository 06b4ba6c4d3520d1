package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cordon/datastore"
	"cordon/policies"
)

// inForceNote names the note of the policies that were in force. It outlives their records, whose time may be over.
const inForceNote = "policy.in_force"

// mostInForce is how many of them are remembered: the last ones.
const mostInForce = 2000

// inForce is a policy that was in force from a time on, until the next.
type inForce struct {
	Digest string    `json:"digest"`
	Since  time.Time `json:"since"`
	Record string    `json:"record"`
	By     string    `json:"by,omitempty"` // empty: the server, or a release that did not note it
}

// readInForce reads the policies that were in force, the first first.
func readInForce(ctx context.Context, from datastore.Reader) ([]inForce, error) {
	note, err := datastore.Get(ctx, from, datastore.Note{Name: inForceNote})
	if errors.Is(err, datastore.ErrNotFound) {
		return nil, nil
	}
	var list []inForce
	if err == nil {
		err = json.Unmarshal(note.Body, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("read which policies were in force: %w", err)
	}
	return list, nil
}

// policyFile names the file in which a policy is kept.
func policyFile(digest string) string { return "policy/" + digest + ".json" }

// quoted is a text as the value of a change.
func quoted(text string) json.RawMessage {
	value, _ := json.Marshal(text) // of a text: it cannot fail
	return value
}

// formerPolicies are engines of policies that were in force, the last ones that were asked again.
type formerPolicies struct {
	mu      sync.Mutex
	engines []*policies.Engine // the last used first
}

// mostFormer is how many former policies are held ready.
const mostFormer = 4

// NotKept is why a policy cannot be asked again, to be told to whoever wants to.
type NotKept struct{ Why string }

func (e *NotKept) Error() string { return e.Why }

// Engine returns the policy with a digest: the one in force, or one that was kept. *NotKept: there is none to be asked.
func (g *Guard) Engine(ctx context.Context, digest string) (*policies.Engine, error) {
	if engine := g.held(digest); engine != nil {
		return engine, nil
	}
	text, err := g.kept(ctx, digest)
	if err != nil {
		return nil, err
	}
	engine, err := policies.Open(ctx, text, digest)
	if err := notKept(err, digest); err != nil {
		return nil, err
	}
	g.former.keep(engine)
	return engine, nil
}

// kept reads what is kept under a digest. *NotKept: nothing is.
func (g *Guard) kept(ctx context.Context, digest string) ([]byte, error) {
	if digest == "" {
		return nil, &NotKept{"the record names no policy"}
	}
	text, err := g.store.ReadFile(ctx, policyFile(digest), 0, datastore.MaxFileBytes)
	if errors.Is(err, datastore.ErrNotFound) || errors.Is(err, datastore.ErrFileName) {
		return nil, &NotKept{fmt.Sprintf("its policy %s is not kept: it was in force before Cordon kept policies, or was never in force here", digest)}
	}
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return text, nil
}

// notKept tells why a policy that was kept cannot be asked.
func notKept(err error, digest string) error {
	_, refused := errors.AsType[*policies.ProblemsError](err)
	switch {
	case errors.Is(err, policies.ErrOtherPolicy):
		return &NotKept{fmt.Sprintf("what is kept as its policy %s is another: somebody changed it", digest)}
	case refused:
		return &NotKept{fmt.Sprintf("its policy %s is kept, and this release cannot ask it: %v", digest, err)}
	}
	return err
}

// held returns the policy with a digest where it is held ready, else nil.
func (g *Guard) held(digest string) *policies.Engine {
	if p := g.policy.Load(); p.Digest() == digest {
		return p.Engine
	}
	return g.former.find(digest)
}

// find returns the policy with a digest that was kept, nil without it.
func (f *formerPolicies) find(digest string) *policies.Engine {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, e := range f.engines {
		if e.Digest() == digest {
			copy(f.engines[1:], f.engines[:i])
			f.engines[0] = e
			return e
		}
	}
	return nil
}

// keep keeps a policy, in the place of the one that was not asked for the longest time.
func (f *formerPolicies) keep(engine *policies.Engine) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.ContainsFunc(f.engines, func(e *policies.Engine) bool { return e.Digest() == engine.Digest() }) {
		return // somebody opened it at the same time
	}
	f.engines = append([]*policies.Engine{engine}, f.engines[:min(len(f.engines), mostFormer-1)]...)
}

// reasonsOf reads the reasons of a record.
func reasonsOf(r *Record) (reasons []Reason, codes []string) {
	_ = json.Unmarshal(r.Reasons, &reasons) // what cannot be read gives none
	for _, reason := range reasons {
		codes = append(codes, reason.Code)
	}
	return reasons, codes
}
