package library_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cordon/guard"
	"cordon/library"
)

func TestAReviewStaysOpenUntilSomebodyElseClosesIt(t *testing.T) { // docs/design.md 12, Break-glass
	s := started(t, openSQLite(t))
	digest := s.push(t, alice(), "one")
	s.breakGlass(t, alice(), digest, time.Hour)
	review := s.standing(t).Reviews[0]
	if review.Digest != digest || review.By.Name != "alice" || review.Reason != "nobody gets in" {
		t.Errorf("%+v", review)
	}
	closing := func(o *guard.Origin, id, message string) error {
		_, err := s.CloseReview(t.Context(), o, library.Set, id, message)
		return err
	}
	if err := closing(by(root(), "bob"), review.ID, "fine"); conflict(t, err) != library.CodeOwnReview {
		t.Errorf("the same key under another name: %v", err)
	}
	bob := by(s.key(t, "two", guard.ScopeApprove), "bob")
	if err := closing(bob, review.ID, ""); !errors.As(err, new(*guard.Invalid)) {
		t.Errorf("without a word: %v", err)
	}
	if err := closing(bob, "none", "fine"); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("another: %v", err)
	}
	if err := closing(bob, review.ID, "fine"); err != nil || len(s.standing(t).Reviews) != 0 {
		t.Errorf("%v, %+v", err, s.standing(t).Reviews)
	}
}

// After a hundred broken glasses that nobody looked at the glass holds, until a review is closed.
func TestAHundredOpenReviewsHoldTheGlass(t *testing.T) { // docs/design.md 12, Break-glass
	s := started(t, openSQLite(t))
	versions := []string{s.push(t, alice(), "one"), s.push(t, alice(), "two")}
	for i := range 100 { // each by somebody else
		s.breakGlass(t, by(&guard.Caller{ID: fmt.Sprint("k", i), Scopes: guard.Scopes()}, "bob"), versions[i%2], time.Hour)
	}
	breaking := func() string {
		_, err := s.Activate(t.Context(), alice(), library.Set, versions[0], library.Activate{
			BreakGlass: &library.BreakGlass{Reason: "x", Until: s.clock.now().Add(time.Hour)},
		})
		return conflict(t, err)
	}
	if code := breaking(); code != library.CodeTooManyReviews {
		t.Errorf("one more: %q", code)
	}
	if _, err := s.CloseReview(t.Context(), alice(), library.Set, s.standing(t).Reviews[0].ID, "fine"); err != nil {
		t.Fatal(err)
	}
	if code := breaking(); code != "" {
		t.Errorf("once one is closed: %q", code)
	}
}
