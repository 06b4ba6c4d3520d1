package server

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"cordon/guard"
)

const protectedPath = "/.well-known/oauth-protected-resource"

// protected is what a client that was refused finds out about whom to get a token from (RFC 9728).
type protected struct {
	Resource string   `json:"resource"`
	Servers  []string `json:"authorization_servers,omitempty"`
	Scopes   []string `json:"scopes_supported"`
	Methods  []string `json:"bearer_methods_supported"`
	Name     string   `json:"resource_name"`
	Bound    bool     `json:"tls_client_certificate_bound_access_tokens,omitzero"`
}

// protectedResource answers the metadata of a resource that is protected by tokens.
func protectedResource(c *call) error {
	base, err := c.base()
	if err != nil {
		return err
	}
	document := protected{Resource: base, Methods: []string{"header"}, Name: "Cordon", Scopes: guard.Scopes()}
	if t := c.server.tokens; t != nil {
		document.Scopes = t.named(document.Scopes)
		document.Bound = c.server.config.TLS != nil && c.server.config.TLS.ClientCAFile != ""
		if trustworthy(t.issuer.Name) {
			document.Servers = []string{t.issuer.Name}
		}
	}
	c.header().Set("Cache-Control", "max-age=300")
	return c.answer(http.StatusOK, document)
}

// base is how callers reach the server, or an error that says that it is told nobody.
func (c *call) base() (string, error) {
	base := c.server.base()
	if base == "" {
		return "", because(errUnready, "how callers reach this server is not configured (--public-url), and it is not made of what a request says")
	}
	return base, nil
}

// base is how callers reach the server: as it is configured or, on the loopback, where it listens; "" where neither
// tells. It is never made of what a request says.
func (s *Server) base() string {
	if s.config.PublicURL != "" {
		return s.config.PublicURL
	}
	u, err := url.Parse(s.URL())
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
		return ""
	}
	return s.URL()
}

// protectedURL is where protectedResource is found: between host and path, "" where that cannot be told.
func (s *Server) protectedURL() string {
	u, err := url.Parse(s.base())
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host + protectedPath + strings.TrimRight(u.EscapedPath(), "/")
}

// named gives scopes as tokens have them.
func (t *tokens) named(scopes []string) []string {
	named := make([]string, len(scopes))
	for i, scope := range scopes {
		named[i] = t.issuer.ScopePrefix + scope
	}
	return named
}
