package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"cordon.example/client"
	"cordon/guard"
)

// answer sends v as JSON.
func (c *call) answer(status int, v any) error {
	body, err := render(v)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	c.send(status, body)
	return nil
}

// render writes JSON: equal values as equal texts, so that a repeat cannot be told from its first.
func render(v any) ([]byte, error) { return json.Marshal(v, json.Deterministic(true)) }

// largestMeasured is up to where net/http finds out the length of an answer by itself; longer ones it
// would send in chunks.
const largestMeasured = 2 << 10

// send sends JSON. That the client has gone is no failure of ours, so it is not told.
func (c *call) send(status int, body []byte) {
	h := c.header()
	if h["Content-Type"] == nil {
		h["Content-Type"] = mediaJSON
	}
	if len(body) > largestMeasured {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	c.begin(status)
	if c.req.Method != http.MethodHead {
		_, _ = c.write(body)
	}
}

// decided sets the headers of an answer that a decision stands behind (docs/design.md 4).
func (c *call) decided(a *guard.Answer) {
	if a.ID == "" {
		return
	}
	c.set(client.HeaderDecisionID, a.ID)
	if a.Policy != "" {
		c.set(client.HeaderPolicy, a.Policy)
	}
	if revision := revisionOf(a); revision != "" {
		c.set(client.HeaderRevision, revision)
	}
}

// revisionOf gives the revision that an answer was decided at; nothing where no organization is
// concerned.
func revisionOf(a *guard.Answer) string {
	if a.Organization == "" {
		return ""
	}
	return strconv.FormatInt(a.Revision, 10)
}

// isDenied tells whether an error is a mutation that the rules refused.
func isDenied(err error) bool {
	_, denied := errors.AsType[*guard.Denied](err)
	return denied
}

// answerOf gives the decision behind a refusal, if there is one.
func answerOf(err error) *guard.Answer {
	if denied, ok := errors.AsType[*guard.Denied](err); ok {
		return &denied.Answer
	}
	if conflict, ok := errors.AsType[*guard.Conflict](err); ok && conflict.Answer.ID != "" {
		return &conflict.Answer
	}
	return nil
}
