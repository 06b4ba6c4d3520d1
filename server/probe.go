package server

import (
	_ "embed"
	"net/http"
)

// livez tells that the process serves at all.
func livez(c *call) error {
	return c.answer(http.StatusOK, probe{Status: "ok"})
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
