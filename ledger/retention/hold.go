package retention

import "time"

// Hold keeps what it names from being deleted, whatever its time, until it is removed.
type Hold struct {
	ID           string    `json:"id"`
	Organization string    `json:"organization,omitempty"` // empty: all of them, and what is of none
	Class        string    `json:"class,omitempty"`        // empty: all of them
	Reason       string    `json:"reason"`
	By           string    `json:"by"`
	Since        time.Time `json:"since"`
}

func (h *Hold) covers(class, organization string) bool {
	return (h.Class == "" || h.Class == class) && (h.Organization == "" || h.Organization == organization)
}
