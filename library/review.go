package library

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/record"
)

// Review is what a broken glass leaves open, until somebody else has looked at it.
type Review struct {
	ID     string    `json:"id"`
	Digest string    `json:"digest"`
	By     Person    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// mostReviews is how many may be open.
const mostReviews = 100

// review opens one. Whoever has broken the glass before, and was not reviewed, may do so again, for an emergency waits for no
// review; but what one person brings past the gates lasts no longer in all than one glass may.
func (s *Standing) review(v *Version, how *step, at time.Time) error {
	if len(s.Reviews) >= mostReviews {
		return &guard.Conflict{Code: CodeTooManyReviews, Detail: "the glass was broken a hundred times and nobody looked at it: have the open reviews closed first"}
	}
	if i := slices.IndexFunc(s.Reviews, func(r Review) bool { return r.By.Is(how.by) }); i >= 0 { // the oldest
		if last := s.Reviews[i].At.Add(longestGlass); how.until.After(last) {
			return &guard.Conflict{Code: CodeOwnReview, Detail: fmt.Sprintf(
				"you broke the glass before, and nobody has reviewed that: until somebody closes %s yours lasts until %s at most",
				s.Reviews[i].ID, last.Format(time.RFC3339))}
		}
	}
	s.Reviews = append(slices.Clone(s.Reviews), Review{
		ID: "review-" + record.NewID(at), Digest: v.Digest, By: how.by, At: at.UTC(), Reason: how.reason, Until: how.until,
	})
	return nil
}

// CloseReview says that somebody else has looked at what was done when the glass was broken, and what they found.
// *guard.Conflict [CodeOwnReview]: it was themselves.
func (l *Library) CloseReview(ctx context.Context, o *guard.Origin, set, id, message string) (*guard.Result, error) {
	by, err := l.actor(ctx, o, set)
	if err != nil {
		return nil, err
	}
	var f faults
	f.text("/message", message, true)
	if err := f.err(); err != nil {
		return nil, err
	}
	return l.guard.Administer(ctx, o, &guard.Administration{
		Action: "close_review", Resource: entity(set),
		Effect: func(ctx context.Context, tx datastore.Tx, _ time.Time) (*guard.Administered, error) {
			s, err := metState(ctx, tx, o, set)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(s.Reviews, func(r Review) bool { return r.ID == id })
			if i < 0 {
				return nil, &guard.NotFound{What: "open review"}
			}
			closed := s.Reviews[i]
			if closed.By.Is(by) {
				return nil, &guard.Conflict{
					Code:   CodeOwnReview,
					Detail: "who broke the glass does not review it, under whatever name: ask somebody with a key or token of their own",
				}
			}
			s.Reviews = slices.Delete(s.Reviews, i, i+1)
			return &guard.Administered{
				Changes: change("review", id, &closed, nil), Details: map[string]any{"message": message},
				Notice: &guard.PolicyNotice{Type: guard.EventPolicyReviewed, Set: set, Digest: closed.Digest, By: by.Name, Message: message, Reason: closed.Reason},
			}, write(ctx, tx, noteOf(set), s)
		},
	})
}
