package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// Classes of what is kept for a time.
const (
	ClassDecisions  = "decisions"  // records of questions answered and of acts refused
	ClassChanges    = "changes"    // records of changes
	ClassReads      = "reads"      // records of who read the log
	ClassMessages   = "messages"   // mails and webhook calls that were delivered or given up
	ClassProcedures = "procedures" // to secure an account, all of whose steps are done
)

// RetentionClasses are all classes.
func RetentionClasses() []string {
	return []string{ClassDecisions, ClassChanges, ClassReads, ClassMessages, ClassProcedures}
}

// Forever is the time of what is never deleted. Others are days or years, such as "400d" or "10y".
const Forever = "forever"

// Retention is how long things are kept, by class: of all organizations, and of those that have times of their own.
type Retention struct {
	Classes       map[string]string            `json:"classes,omitzero"`
	Organizations map[string]map[string]string `json:"organizations,omitzero"`

	// ETag tells this state from every other ([Client.IfMatch]). It is not sent.
	ETag string `json:"-"`
}

func (r *Retention) tag(etag string) { r.ETag = etag }

// Hold keeps what it names from being deleted, whatever its time, until it is removed.
type Hold struct {
	ID           string    `json:"id"`
	Organization string    `json:"organization,omitempty"` // empty: all of them, and what is of none
	Class        string    `json:"class,omitempty"`        // empty: all of them
	Reason       string    `json:"reason"`
	By           string    `json:"by"` // who added it: a key's id, or the acting user
	Since        time.Time `json:"since"`
}

// HoldRequest asks for a hold.
type HoldRequest struct {
	Organization string `json:"organization,omitempty"`
	Class        string `json:"class,omitempty"`
	Reason       string `json:"reason"`
}

const (
	retention = "v1/retention"
	holds     = "v1/holds"
)

// Retention tells how long things are kept, every class, also those that nobody set.
func (c *Client) Retention(ctx context.Context) (Retention, error) {
	return one[Retention](ctx, c, http.MethodGet, nil, retention)
}

// SetRetention says how long things are kept from now on, all of it: a class that is not named is kept as if nobody had
// set it. What is over by it is deleted within the hour, and cannot be brought back. Read it and set it with
// [Client.IfMatch], so that nobody's change is wiped unseen.
func (c *Client) SetRetention(ctx context.Context, rules Retention) (Retention, error) {
	return one[Retention](ctx, c, http.MethodPut, rules, retention)
}

// AddHold keeps what it names from being deleted. Where both Organization and Class are empty that is everything.
func (c *Client) AddHold(ctx context.Context, request HoldRequest) (Hold, error) {
	return one[Hold](ctx, c, http.MethodPost, request, holds)
}

// Holds lists the holds, the oldest first.
func (c *Client) Holds(ctx context.Context) iter.Seq2[Hold, error] {
	return list[Hold](ctx, c, nil, holds)
}

// RemoveHold ends a hold. What is over by then is deleted with the next run.
func (c *Client) RemoveHold(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: segments(holds, []string{id})}, nil)
	return err
}
