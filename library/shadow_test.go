package library_test

import (
	"errors"
	"math"
	"testing"

	"cordon/guard"
	"cordon/library"
)

// A draft is asked beside the version in force, under the same number; what cannot be asked is refused.
func TestAVersionIsAskedBesideTheOneInForce(t *testing.T) {
	s := started(t, openSQLite(t))
	if err := s.guard.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	draft, before := s.push(t, alice(), "a draft"), s.standing(t).Activation
	for _, sample := range []float64{0, -1, 1.1, math.NaN(), math.Inf(1)} {
		_, err := s.SetShadow(t.Context(), alice(), library.Set, draft, sample)
		if _, is := errors.AsType[*guard.Invalid](err); !is {
			t.Errorf("a sample of %v: got %v", sample, err)
		}
	}
	limited := by(&guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "acme"}, "alice")
	if _, err := s.SetShadow(t.Context(), limited, library.Set, "", 0); !errors.Is(err, guard.ErrOrganizationLimit) {
		t.Errorf("who may not learns what is wrong: %v", err)
	}
	if _, err := s.SetShadow(t.Context(), alice(), library.Set, before.Digest, 1); conflict(t, err) != library.CodeAlreadyActive {
		t.Errorf("the one in force: got %v", err)
	}
	_, err := s.SetShadow(t.Context(), alice(), library.Set, "sha256:none", 1)
	if _, is := errors.AsType[*guard.NotFound](err); !is {
		t.Errorf("none: got %v", err)
	}
	if _, err := s.SetShadow(t.Context(), knowing(alice(), 9), library.Set, draft, 1); conflict(t, err) != guard.CodePrecondition {
		t.Errorf("of another activation: got %v", err)
	}
	for range 2 {
		if _, err := s.SetShadow(t.Context(), alice(), library.Set, draft, 0.25); err != nil {
			t.Fatal(err)
		}
	}
	now := s.standing(t).Activation
	if now.Shadow != draft || now.Sample != 0.25 || now.Number != before.Number || now.Digest != before.Digest {
		t.Errorf("got %+v", now)
	}
	if got, err := s.Shadow(t.Context(), alice(), library.Set); err != nil || got.Shadow != draft || got.Sample != 0.25 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := s.EndShadow(t.Context(), alice(), library.Set); err != nil || s.standing(t).Activation != before {
		t.Errorf("got %+v, %v, want %+v", s.standing(t).Activation, err, before)
	}
	if got, err := s.Shadow(t.Context(), alice(), library.Set); err != nil || got.Shadow != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}
