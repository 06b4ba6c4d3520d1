package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// PolicyDiff is what differs between two versions of a policy: what is written, and what is answered.
type PolicyDiff struct {
	Files []PolicyFileDiff `json:"files"`
	Table PolicyTableDiff  `json:"table"`
}

// PolicyFileDiff is a file that is not the same in both.
type PolicyFileDiff struct {
	Path   string `json:"path"`
	Change string `json:"change"` // added, removed or changed
	Diff   string `json:"diff"`   // unified
}

// PolicyTableDiff is every question that can be asked and is answered differently, in few groups.
type PolicyTableDiff struct {
	From    string        `json:"from"` // digests
	To      string        `json:"to"`
	Cells   int           `json:"cells"` // questions that were asked of both
	Changed int           `json:"changed"`
	Opened  int           `json:"opened"`  // that were not allowed, and are
	Closed  int           `json:"closed"`  // that were allowed, and are not
	Reasons int           `json:"reasons"` // that are answered the same for another reason
	TookMS  int64         `json:"took_ms"`
	Groups  []PolicyGroup `json:"groups"`
}

// PolicyGroup is a set of questions whose answers changed alike: every one where all of its conditions hold. No question is
// in two groups.
type PolicyGroup struct {
	ID       string            `json:"id"` // which acknowledges it ([PolicyActivation.Acknowledged])
	Text     string            `json:"text"`
	Where    []PolicyCondition `json:"where"` // a fact that makes no difference has none
	Resource string            `json:"resource"`
	Action   string            `json:"action"`
	From     string            `json:"from"` // allow, deny or undecided
	To       string            `json:"to"`
	// FromReasons and ToReasons are, of a change of the answer, all that its questions have; of one of the reasons alone,
	// those that only one side has.
	FromReasons []string      `json:"from_reasons,omitempty"`
	ToReasons   []string      `json:"to_reasons,omitempty"`
	Cells       int           `json:"cells"`
	Example     PolicyExample `json:"example"`
}

// PolicyCondition is what a group says of one fact.
type PolicyCondition struct {
	Fact string   `json:"fact"`
	Is   []string `json:"is"`
}

// PolicyExample is one question of a group.
type PolicyExample struct {
	Question string          `json:"question"` // in words
	Input    json.RawMessage `json:"input"`    // as the rules see it
	Command  string          `json:"command"`  // that asks it
}

// PolicyDiff tells what differs between a version and another, "" for the one in force or, while a glass is broken, that
// will be again.
func (c *Client) PolicyDiff(ctx context.Context, set, digest, against string) (PolicyDiff, error) {
	var diff PolicyDiff
	_, err := c.do(ctx, call{method: http.MethodGet, path: diffPath(set, digest), query: diffQuery(against)}, &diff)
	return diff, err
}

// PolicyDiffPage gives the same for people: as "text/plain", or as "text/html", a page that can be kept by itself. The
// caller closes it.
func (c *Client) PolicyDiffPage(ctx context.Context, set, digest, against, media string) (io.ReadCloser, error) {
	target, err := c.target(call{path: diffPath(set, digest), query: diffQuery(against)})
	if err != nil {
		return nil, fmt.Errorf("get difference: %w", err)
	}
	header := c.header()
	header.Set("Accept", media)
	res, err := c.send(ctx, http.MethodGet, target, header, nil) //nolint:bodyclose // the caller closes it
	if err != nil {
		return nil, fmt.Errorf("get difference: %w", err)
	}
	return res.Body, nil
}

func diffPath(set, digest string) []string {
	return segments(policySets, []string{set, "versions", digest, "diff"})
}

func diffQuery(against string) url.Values {
	if against == "" {
		return nil
	}
	return url.Values{"against": {against}}
}
