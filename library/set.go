package library

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/policies/set"
)

// Set names the built-in policy set: the rules that Cordon decides by.
const Set = set.Builtin

// InForce says which version of a set is in force.
type InForce = datastore.Activation

// base is the version that whatever comes into force is held against: the one in force or, where that is for a time only,
// the one before, for no gate was asked about what broke the glass.
func base(a *InForce) string {
	if a.Until.IsZero() {
		return a.Digest
	}
	return a.Previous
}

// Standing is a set as it stands: what is in force of it, what is asked of the next version, and what is to be reviewed.
type Standing struct {
	Set        string
	Activation InForce
	Gates      Gates
	Reviews    []Review // open ones, the oldest first

	shipped string // what ships with this release, where that is to be noted
}

// Tag returns the entity tag of a set at an activation: what If-Match is about.
func Tag(number int64) string { return strconv.Quote(strconv.FormatInt(number, 10)) }

// state is what is kept of a set beside its activation and its versions.
type state struct {
	Gates   *Gates   `json:"gates,omitempty"` // nil: as of a fresh store
	Reviews []Review `json:"reviews,omitempty"`
	Shipped string   `json:"shipped,omitempty"` // what the release shipped that was started last
}

func readState(ctx context.Context, from datastore.Reader, set string) (*state, error) {
	s, _, err := read[state](ctx, from, noteOf(set))
	return &s, err
}

func (s *state) gates(set string) Gates {
	if s.Gates == nil {
		return FreshGates(set)
	}
	return *s.Gates
}

// activation reads what is in force of a set; nothing before the first start.
func activation(ctx context.Context, from datastore.Reader, set string) (datastore.Activation, error) {
	a, err := datastore.Get(ctx, from, datastore.Activation{Set: set})
	if errors.Is(err, datastore.ErrNotFound) {
		return datastore.Activation{Set: set}, nil
	}
	if err != nil {
		return a, fmt.Errorf("read activation: %w", err)
	}
	return a, nil
}

// open refuses who may not read policies, and a set that is none.
func (l *Library) open(ctx context.Context, o *guard.Origin, set string) error {
	if o.Caller.Organization != "" {
		return guard.ErrOrganizationLimit
	}
	if set == Set {
		return nil
	}
	a, err := activation(ctx, l.store, set)
	if err != nil {
		return err
	}
	return exists(&a)
}

// exists refuses a set that is none: the built-in one always is, another while a version of it is in force.
func exists(a *InForce) error {
	if a.Set != Set && a.Digest == "" {
		return &guard.NotFound{What: "policy set"}
	}
	return nil
}

// builtIn refuses what only the built-in policy has.
func (l *Library) builtIn(ctx context.Context, o *guard.Origin, set, what string) error {
	if err := l.open(ctx, o, set); err != nil || set == Set {
		return err
	}
	return &guard.Conflict{Code: CodeBuiltInOnly, Detail: fmt.Sprintf(
		"%s is of the policy set %s alone, whose facts and words are known; test a version of %s by tests in its folder, and try it by cordon policy evaluate", what, Set, set)}
}

// Sets names the policy sets, the built-in one first.
func (l *Library) Sets(ctx context.Context) ([]string, error) {
	names, err := guard.PolicySets(ctx, l.store)
	return append([]string{Set}, names...), err
}

// Standing reads a set.
func (l *Library) Standing(ctx context.Context, o *guard.Origin, set string) (*Standing, error) {
	if err := l.open(ctx, o, set); err != nil {
		return nil, err
	}
	a, err := activation(ctx, l.store, set)
	if err != nil {
		return nil, err
	}
	s, err := readState(ctx, l.store, set)
	if err != nil {
		return nil, err
	}
	return &Standing{Set: set, Activation: a, Gates: s.gates(set), Reviews: s.Reviews}, nil
}

// unmet is the refusal of a change whose caller decided it while another version was in force.
func unmet(o *guard.Origin, number int64) error {
	if o.If == nil || o.If(Tag(number)) {
		return nil
	}
	return meanwhile(number)
}

// met reads what is in force of a set, and refuses a change whose caller decided it while another version was.
func met(ctx context.Context, from datastore.Reader, o *guard.Origin, set string) (InForce, error) {
	a, err := activation(ctx, from, set)
	if err != nil {
		return a, err
	}
	if err := exists(&a); err != nil {
		return a, err
	}
	return a, unmet(o, a.Number)
}

// metState does so for a change of what is asked of a set, which it reads.
func metState(ctx context.Context, tx datastore.Tx, o *guard.Origin, set string) (*state, error) {
	if _, err := met(ctx, tx, o, set); err != nil {
		return nil, err
	}
	return readState(ctx, tx, set)
}

func meanwhile(number int64) error {
	return &guard.Conflict{
		Code: guard.CodePrecondition, Tag: Tag(number),
		Detail: "another version was activated meanwhile; read the policy set, look at what changed, and decide anew with the ETag that it has",
	}
}

// Activation is one activation of a version, as the history has it.
type Activation struct {
	Number   int64     `json:"number"`
	Digest   string    `json:"digest"`
	Previous string    `json:"previous,omitempty"`
	How      string    `json:"how"`
	At       time.Time `json:"at"`
	By       Person    `json:"by"`
	Message  string    `json:"message,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Until    time.Time `json:"until,omitzero"`
}

// How a version came into force.
const (
	Shipped    = "shipped"     // with the first start
	Activated  = "activated"   // through the gates
	BrokeGlass = "break_glass" // past them, for a time
	Expired    = "expired"     // the time of another was over
	RolledBack = "rolled_back"
	Reloaded   = "reloaded" // from a folder, under --dev
	Removed    = "removed"  // none did: the set was ended
)

// History lists the activations of a set, the newest first, and gives the cursor of the next page.
func (l *Library) History(ctx context.Context, o *guard.Origin, set string, page Page) ([]Activation, string, error) {
	if err := l.open(ctx, o, set); err != nil {
		return nil, "", err
	}
	return newest[Activation](ctx, l.store, noteOf(set)+"/activations", page)
}
