package server

import (
	_ "embed"
	"net/http"
)

// livez tells that the process serves at all.
func livez(c *call) error {
	return c.answer(http.StatusOK, probe{Status: "ok"})
}

// health answers as OPA's server does: whether it can answer at all, and with bundles or plugins whether it does now.
func health(c *call) error {
	if c.wants("bundles") || c.wants("plugins") {
		if _, unready := c.unready(); unready != nil {
			c.failure = unready // for the log
			return c.answer(http.StatusInternalServerError, struct {
				Error string `json:"error"`
			}{problemOf(unready).Detail})
		}
	}
	return c.answer(http.StatusOK, struct{}{})
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
