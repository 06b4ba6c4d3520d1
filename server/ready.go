package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"cordon/guard"
)

// States of the parts of a server.
const (
	stateOK       = "ok"
	stateFailing  = "failing"  // of the policy: the one in force cannot be loaded, and the one before goes on
	stateBehind   = "behind"   // the feed: answers are given from the store alone
	stateDegraded = "degraded" // the policy: it is asked otherwise than it could be; the clock: it leapt ahead
	stateChanged  = "changed"  // the log: it is not what was signed
	stateOff      = "off"
)

// readyz tells that questions are answered now: the store serves, its change feed has begun, records are
// taken, and the server is not stopping. Mails and the way the policy is asked keep nobody from an answer, nor does a
// policy that cannot be loaded while the last one that could goes on.
func readyz(c *call) error {
	parts, unready := c.unready()
	if !c.req.URL.Query().Has("verbose") {
		if unready != nil {
			return unready
		}
		return c.answer(http.StatusOK, probe{Status: stateOK})
	}
	counts, err := c.mayCount(unready != nil)
	if err != nil {
		return err
	}
	p := c.server.describe(parts, counts)
	if unready == nil {
		return c.answer(http.StatusOK, p)
	}
	c.failure = unready // for the log
	k := kindOf(unready)
	p.Status, p.Detail = k.code, problemOf(unready).Detail
	c.header().Set("Retry-After", strconv.Itoa(k.retry))
	return c.answer(k.status, p)
}

// unready tells how each part is, and why questions are not answered now; nil where they are.
func (c *call) unready() ([]guard.Part, error) {
	parts := c.server.config.Guard.Health(c.context())
	var failing []guard.Part
	for _, p := range parts {
		if p.Err != nil {
			failing = append(failing, p)
		}
	}
	switch {
	case c.server.draining.Load():
		return parts, errDraining
	case len(failing) > 0:
		return parts, fmt.Errorf("%w: %w", errUnready, &guard.Unready{Parts: failing})
	}
	return parts, nil
}

// mayCount tells whether whoever asks may see what waits: that tells something of the host's customers, so it
// takes a key or token for all organizations with the scope admin. Who sends none sees the rest. While the server
// is not ready perhaps nobody can be recognized.
func (c *call) mayCount(unready bool) (bool, error) {
	if len(c.req.Header["Authorization"]) == 0 {
		return false, nil
	}
	if err := c.recognize(); err != nil {
		if unready && causeOf(err) == causeUnavailable {
			return false, nil
		}
		return false, err
	}
	return c.origin.Caller.May(guard.ScopeAdmin) && c.origin.Caller.Organization == "", nil
}

// describe tells how each part is.
func (s *Server) describe(health []guard.Part, counts bool) probe {
	g := s.config.Guard
	p := probe{Status: stateOK, Version: s.config.Version, Policy: g.Policy().Digest()}
	for _, h := range health {
		if h.Name == guard.PartPolicy {
			continue // it is below
		}
		part := partProbe{Name: h.Name, State: stateOK}
		if h.Err != nil {
			part.State = stateFailing
		}
		switch h.Name {
		case guard.PartFeed:
			if lag, begun := g.FeedLag(); begun {
				ms := lag.Milliseconds()
				p.Feed, part.LagMS = &feedProbe{ms}, &ms
				if lag > g.MaxStaleness() {
					part.State = stateBehind
				}
			}
		case guard.PartJournal:
			if counts {
				b := g.Backlog()
				part.WaitingRecords, part.WaitingBytes = &b.Records, &b.Bytes
			}
		}
		p.Parts = append(p.Parts, part)
	}
	flat, _ := g.Policy().FlatOn()
	memo, _ := g.Policy().MemoOn()
	policy := partProbe{Name: "policy", State: stateOK, Flat: &flat, Memo: &memo}
	if !flat || !memo {
		policy.State = stateDegraded
	}
	if _, behind := g.Activation(); behind != nil {
		policy.State = stateFailing
	}
	mail := partProbe{Name: "mail", State: stateOff}
	if s.config.Mail != nil {
		mail.State = s.config.Mail()
	}
	clock := partProbe{Name: "clock", State: stateOK}
	if ahead := g.ClockAhead().Milliseconds(); ahead > 0 {
		clock.State, clock.AheadMS = stateDegraded, &ahead
	}
	log := partProbe{Name: "log", State: stateOK}
	if g.LogProblem() != "" {
		log.State = stateChanged
	}
	witness := partProbe{Name: "witness", State: stateOff}
	if w := g.Witnessed(); w.Problem != "" {
		witness.State = stateFailing
	} else if w.Place != "" {
		witness.State = stateOK
	}
	p.Parts = append(p.Parts, policy, mail, clock, log, witness)
	if counts && g.Standing().Outbox != nil {
		p.Outbox = &outboxProbe{}
		p.Outbox.Waiting, p.Outbox.Dead = g.Standing().Count()
	}
	if s.config.Verbose != nil {
		p.Notes = s.config.Verbose()
	}
	return p
}

// unreadyDetail names the parts that are at fault, and nothing that is inside of them.
func unreadyDetail(err error) string {
	e, ok := errors.AsType[*guard.Unready](err)
	if !ok {
		return ""
	}
	said := ""
	for _, p := range e.Parts {
		said += map[string]string{
			guard.PartStore:   "The store does not answer. ",
			guard.PartFeed:    "The store's feed of changes has not begun. ",
			guard.PartJournal: "The journal takes no records, or cannot ship them. ",
			guard.PartPolicy:  "The policy in force cannot be loaded here, and none was in force before. ",
		}[p.Name]
	}
	return said + "The server's log says why."
}

type probe struct {
	Status  string       `json:"status"`
	Detail  string       `json:"detail,omitempty"`
	Version string       `json:"version,omitempty"`
	Policy  string       `json:"policy,omitempty"`
	Feed    *feedProbe   `json:"feed,omitempty"`
	Parts   []partProbe  `json:"parts,omitempty"`
	Outbox  *outboxProbe `json:"outbox,omitempty"`
	Notes   []string     `json:"notes,omitempty"`
}

// feedProbe says how far the change feed is behind.
type feedProbe struct {
	LagMS int64 `json:"lag_ms"`
}

// partProbe says how one part is.
type partProbe struct {
	Name           string `json:"name"`
	State          string `json:"state"`
	LagMS          *int64 `json:"lag_ms,omitempty"`
	WaitingRecords *int64 `json:"waiting_records,omitempty"`
	WaitingBytes   *int64 `json:"waiting_bytes,omitempty"`
	Flat           *bool  `json:"flat,omitempty"`
	Memo           *bool  `json:"memo,omitempty"`
	AheadMS        *int64 `json:"ahead_ms,omitempty"`
}

// outboxProbe says how many messages wait, and how many were given up.
type outboxProbe struct {
	Waiting int64 `json:"waiting"`
	Dead    int64 `json:"dead"`
}
