package server

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cordon.example/client"
	"cordon/guard"
)

// kept is what is remembered of an answer for its repeats (docs/design.md 11, Idempotency-Key).
type kept struct {
	Type       string         `json:"type"`
	DecisionID string         `json:"decision_id,omitempty"`
	Policy     string         `json:"policy,omitempty"`
	Revision   string         `json:"revision,omitempty"`
	Language   string         `json:"language,omitempty"` // that reasons are told in
	Body       jsontext.Value `json:"body"`
}

// rememberOnce makes the call happen once for its idempotency key, where it has one.
func (c *call) rememberOnce(body []byte) error {
	given, ok := c.req.Header[client.HeaderIdempotencyKey]
	if !ok || !c.route.once {
		return nil
	}
	if len(given) != 1 || given[0] == "" || len(given[0]) > 255 || strings.ContainsFunc(given[0], unprintable) {
		return because(errHeader, client.HeaderIdempotencyKey+" must be 1 to 255 printable characters")
	}
	// Another actor or agent asks for another thing, just as another body does.
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q\n", c.origin.Actor, c.origin.Agent)
	hash.Write(body)
	kind := "key"
	if c.token {
		kind = "token"
	}
	c.origin.Once = &guard.Once{
		Key:      kind + "\n" + c.origin.Caller.ID + "\n" + c.req.URL.Path + "\n" + given[0],
		BodyHash: hash.Sum(nil),
	}
	return nil
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }

// act carries out a mutation and answers it as show says, at once and in its repeats.
func (c *call) act(do func() (*guard.Result, error), show func(*guard.Result) (status int, body any)) error {
	if once := c.origin.Once; once != nil {
		once.Render = func(result *guard.Result, err error) (int, []byte) { return c.keep(result, err, show) }
	}
	return c.actOnce(do, show)
}

// actSecret does the same for an answer that holds a secret, which is shown once.
func (c *call) actSecret(do func() (*guard.Result, error), show func(*guard.Result) (status int, body any)) error {
	if once := c.origin.Once; once != nil {
		once.Render = func(result *guard.Result, err error) (int, []byte) {
			if err == nil {
				return http.StatusCreated, nil
			}
			return c.keep(result, err, show)
		}
	}
	return c.actOnce(do, show)
}

func (c *call) actOnce(do func() (*guard.Result, error), show func(*guard.Result) (int, any)) error {
	result, err := do()
	if err != nil {
		return err
	}
	c.decided(&result.Answer)
	if tag := result.Tag(); c.route.tagged && tag != "" {
		c.set("Etag", tag)
	}
	status, body := show(result)
	return c.answer(status, body)
}

// keep renders an outcome for its repeats.
func (c *call) keep(result *guard.Result, err error, show func(*guard.Result) (int, any)) (int, []byte) {
	k := kept{Type: mediaJSON[0]}
	answer := answerOf(err)
	var status int
	var body any
	if err != nil {
		p := c.problem(err)
		k.Type, status, body = client.ProblemType, p.Status, p
	} else {
		answer = &result.Answer
		status, body = show(result)
	}
	if answer != nil && isDenied(err) {
		k.Language = c.language(answer)
	}
	if answer != nil && answer.ID != "" {
		k.DecisionID, k.Policy, k.Revision = answer.ID, answer.Policy, revisionOf(answer)
	}
	var broken error
	if k.Body, broken = render(body); broken != nil {
		return status, nil // then it is not shown again
	}
	remembered, broken := render(k)
	if broken != nil {
		return status, nil
	}
	return status, remembered
}

// repeat gives a first answer again.
func (c *call) repeat(first *guard.Repeated) {
	var k kept
	if err := json.Unmarshal(first.Answer, &k); err != nil {
		c.fail(fmt.Errorf("read first answer: %w", err))
		return
	}
	h := c.header()
	h.Set(client.HeaderReplayed, "true")
	h.Set("Content-Type", k.Type)
	for name, value := range map[string]string{
		client.HeaderDecisionID: k.DecisionID, client.HeaderPolicy: k.Policy, client.HeaderRevision: k.Revision,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if k.Language != "" {
		c.tellIn(k.Language)
	}
	c.send(first.Status, k.Body)
}
