package server

import (
	"crypto/x509"
	"slices"
	"strings"

	"cordon.example/client"
	"cordon/guard"
)

// admit finds out who calls and who acts, and whether they may at all, in the order of docs/design.md 11, Order
// of checks: 401, then 403, then 400.
func (c *call) admit() error {
	r := c.route
	if !r.open {
		if err := c.recognize(); err != nil {
			return err
		}
		wrong := c.identify() // is told to those who may call at all
		if err := c.authorize(); err != nil {
			return err
		}
		if wrong != nil {
			return wrong
		}
		if err := c.acting(); err != nil {
			return err
		}
		if err := c.explaining(); err != nil {
			return err
		}
		if err := c.why(); err != nil {
			return err
		}
	}
	if len(r.names) > 0 {
		if err := c.checkPath(); err != nil {
			return err
		}
	}
	if err := c.checkQuery(); err != nil {
		return err
	}
	return c.conditions()
}

// recognize finds out who calls, and counts the call as theirs.
func (c *call) recognize() error {
	err := c.authenticate()
	if err == nil {
		return c.charge(c.payer(), 1, 0)
	}
	c.server.metrics.refusals.WithLabelValues(causeOf(err)).Inc()
	// Who guesses keys is slowed down by address, for there is no caller to tell.
	if slow := c.charge("address "+c.address(), 1, 0); slow != nil {
		return slow
	}
	return err
}

// authenticate finds out who calls.
func (c *call) authenticate() (err error) {
	if c.route.access && c.server.config.Anonymous && c.req.Header["Authorization"] == nil {
		c.origin.Caller = anonymous()
		return nil
	}
	token, err := c.credential()
	if err != nil {
		return err
	}
	if strings.HasPrefix(token, "ck_") {
		c.origin.Caller, err = c.server.config.Guard.Authenticate(c.context(), token)
		return err
	}
	if c.server.tokens == nil {
		return refuseCaller(causeNoIssuer, "this server trusts no issuer of tokens; send an API key (ck_...)")
	}
	c.token = true
	c.origin.Caller, err = c.server.tokens.caller(c.context(), token, c.certificate())
	return err
}

// certificate is the one that the client showed; nil: none.
func (c *call) certificate() *x509.Certificate {
	if c.req.TLS == nil || len(c.req.TLS.PeerCertificates) == 0 {
		return nil
	}
	return c.req.TLS.PeerCertificates[0]
}

// challenge is what a 401 or 403 says in WWW-Authenticate (RFC 6750, 3). The detail is one of ours.
func (c *call) challenge(code, detail string) string {
	realm := `Bearer realm="cordon"`
	if c.server.tokens != nil && c.route.gateway == "" {
		if where := c.server.protectedURL(); where != "" { // RFC 9728, 5.1
			realm += `, resource_metadata="` + where + `"`
		}
	}
	switch {
	case code == "insufficient_scope" && len(c.route.scopes) > 0:
		scopes := c.route.scopes
		if c.token {
			scopes = c.server.tokens.named(scopes)
		}
		return realm + `, error="insufficient_scope", scope="` + strings.Join(scopes, " ") + `"`
	case code == "insufficient_scope" || len(c.req.Header["Authorization"]) > 0:
		return realm + `, error="` + code + `", error_description="` + strings.Map(quotable, detail) + `"`
	}
	return realm
}

// quotable leaves away what an error_description must not hold (RFC 6750, 3).
func quotable(r rune) rune {
	if r < ' ' || r > '~' || r == '"' || r == '\\' {
		return -1
	}
	return r
}

// identify finds out who acts through the caller: the subject of a token; whom the headers name, of
// a key. Its error is that of a request that nobody may make.
func (c *call) identify() error {
	if c.route.named {
		return c.name()
	}
	actor, err := c.actingHeader(client.HeaderActor)
	if err != nil {
		return err
	}
	agent, err := c.actingHeader(client.HeaderAgent)
	if err != nil {
		return err
	}
	caller := c.origin.Caller
	switch {
	case actor != "" && agent != "":
		return because(errHeader, client.HeaderActor+" and "+client.HeaderAgent+" cannot both act in one request")
	case agent != "" && c.route.noAgent:
		return because(errHeader, "an agent changes no directory: "+client.HeaderAgent+" is not for this")
	case c.token && (actor != "" && actor != caller.ID || agent != "" && agent != caller.ID):
		return because(errHeader, "a token acts for its own subject and nobody else")
	}
	if c.token && actor == "" && agent == "" {
		switch {
		case caller.May(guard.ScopeAct):
			actor = caller.ID
		case caller.May(guard.ScopeSupport):
			agent = caller.ID
		}
	}
	c.origin.Actor, c.origin.Agent = actor, agent
	return nil
}

// name finds out which person acts where no organization is concerned: the subject of a token; whom the header names, of
// a key.
func (c *call) name() error {
	actor, err := c.actingHeader(client.HeaderActor)
	switch caller := c.origin.Caller; {
	case err != nil:
		return err
	case c.req.Header[client.HeaderAgent] != nil:
		return because(errHeader, "nobody acts as an agent here: "+client.HeaderAgent+" is not for this; name the person in "+client.HeaderActor)
	case c.token && actor != "" && actor != caller.ID:
		return because(errHeader, "a token acts for its own subject and nobody else")
	case c.token:
		actor = caller.ID
	}
	c.origin.Actor = actor
	return nil
}

func (c *call) actingHeader(name string) (string, error) {
	given, ok := c.req.Header[name]
	if !ok {
		return "", nil
	}
	if len(given) != 1 || !c.token && !guard.ValidID(given[0]) {
		return "", because(errHeader, name+" must be one id")
	}
	return given[0], nil
}

// names tells whether a header names somebody, be it badly.
func (c *call) names(header string) bool { return c.req.Header[header] != nil }

// authorize holds the scopes of the caller against the route's row, and against whom it means to act for: a key for whom a
// header names, a token for its subject.
func (c *call) authorize() error {
	r, caller := c.route, c.origin.Caller
	actor, agent := c.origin.Actor != "", c.origin.Agent != ""
	acting := actor || agent
	if !r.named {
		if c.token {
			acting = acting || caller.May(guard.ScopeAct) || caller.May(guard.ScopeSupport)
		} else {
			actor, agent = c.names(client.HeaderActor), c.names(client.HeaderAgent)
			acting = actor || agent
		}
		switch {
		case actor && !caller.May(guard.ScopeAct):
			return because(errScope, client.HeaderActor+" needs the scope act")
		case agent && !r.noAgent && !caller.May(guard.ScopeSupport): // where none acts, the scope would not help
			return because(errScope, client.HeaderAgent+" needs the scope support")
		}
	}
	if len(r.scopes) > 0 && (!r.acts || !acting) && !slices.ContainsFunc(r.scopes, caller.May) {
		return because(errScope, "this needs the scope "+strings.Join(r.scopes, " or "))
	}
	if r.named && caller.Organization != "" {
		return guard.ErrOrganizationLimit
	}
	return nil
}

// acting refuses a call in which nobody acts where somebody must, or somebody where nobody may.
func (c *call) acting() error {
	r := c.route
	acting := c.origin.Actor != "" || c.origin.Agent != ""
	switch {
	case r.named && r.needsActor && !acting:
		return because(errHeader, "a person must act: name who it is in "+client.HeaderActor)
	case r.needsActor && !acting:
		return because(errHeader, "somebody must act: name the user in "+client.HeaderActor+" or the agent in "+client.HeaderAgent)
	case r.hostOnly && acting:
		return because(errHeader, "this is the host's provisioning, in which nobody acts")
	case r.noAgent && c.origin.Agent != "":
		return because(errHeader, "an agent changes no directory: "+client.HeaderAgent+" is not for this")
	}
	return nil
}
