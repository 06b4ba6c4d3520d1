package server

import (
	_ "embed"
	"fmt"
	"net/http"

	"cordon/client"
)

// livez tells that the process serves at all.
func livez(c *call) error {
	return c.answer(http.StatusOK, probe{Status: "ok"})
}

// readyz tells that questions are answered now: the store serves, its change feed has begun, records are
// taken, and the server is not stopping.
func readyz(c *call) error {
	if c.server.draining.Load() {
		return errDraining
	}
	if err := c.server.config.Guard.Ready(c.context()); err != nil {
		return fmt.Errorf("%w: %w", errUnready, err)
	}
	p := probe{Status: "ok"}
	if c.req.URL.Query().Has("verbose") {
		p.Version, p.Policy = c.server.config.Version, c.server.config.Guard.Policy().Digest()
		if lag, begun := c.server.config.Guard.FeedLag(); begun {
			p.Feed = &feedProbe{LagMS: lag.Milliseconds()}
		}
		if c.server.config.Verbose != nil {
			p.Notes = c.server.config.Verbose()
		}
	}
	return c.answer(http.StatusOK, p)
}

type probe struct {
	Status  string     `json:"status"`
	Version string     `json:"version,omitempty"`
	Policy  string     `json:"policy,omitempty"`
	Feed    *feedProbe `json:"feed,omitempty"`
	Notes   []string   `json:"notes,omitempty"`
}

// feedProbe says how far the change feed is behind.
type feedProbe struct {
	LagMS int64 `json:"lag_ms"`
}

// wellKnown answers the AuthZEN metadata. Its addresses come from the configuration, never from the
// Host header, which whoever asks may set.
func wellKnown(c *call) error {
	base := c.server.config.PublicURL
	if base == "" {
		base = c.server.URL()
	}
	c.header().Set("Cache-Control", "max-age=300")
	return c.answer(http.StatusOK, client.Metadata{
		PolicyDecisionPoint:       base,
		AccessEvaluationEndpoint:  base + "/access/v1/evaluation",
		AccessEvaluationsEndpoint: base + "/access/v1/evaluations",
	})
}

//go:embed openapi.yaml
var document []byte

// OpenAPI gives openapi.yaml, the description of the whole API.
func OpenAPI() []byte { return append([]byte(nil), document...) }

func openAPI(c *call) error {
	c.header().Set("Content-Type", "application/yaml")
	c.header().Set("Cache-Control", "max-age=300")
	c.send(http.StatusOK, document)
	return nil
}
