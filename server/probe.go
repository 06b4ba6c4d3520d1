package server

import (
	_ "embed"
	"net/http"

	"cordon.example/client"
)

// livez tells that the process serves at all.
func livez(c *call) error {
	return c.answer(http.StatusOK, probe{Status: "ok"})
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
		SearchSubjectEndpoint:     base + "/access/v1/search/subject",
		SearchResourceEndpoint:    base + "/access/v1/search/resource",
		SearchActionEndpoint:      base + "/access/v1/search/action",
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
