package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"cordon.example/client"
	"cordon/guard"
)

// Gateways, by how they ask and what they make of answers (docs/gateways.md).
const (
	gatewayNginx   = "nginx"   // auth_request: makes 500 of all but 2xx, 401 and 403
	gatewayForward = "forward" // Caddy's forward_auth, Traefik's ForwardAuth: pass answers on as they are
	gatewayEnvoy   = "envoy"   // ext_authz over HTTP: sends the method and, behind our path, the path
	envoyPath      = "/gateway/envoy"
)

// Headers between a gateway and us, as net/http writes them.
const (
	headerGatewayKey     = "Cordon-Key"
	headerGatewayUser    = "X-Cordon-User"
	headerGatewayID      = "X-Cordon-Decision-Id"
	headerGatewayReason  = "X-Cordon-Reason"
	headerForwardMethod  = "X-Forwarded-Method"
	headerForwardHost    = "X-Forwarded-Host"
	headerForwardURI     = "X-Forwarded-Uri"
	longestForwardedPath = 4 << 10
)

// What a gateway is refused for. Each is 403: that it is a user's fault who could do better is 401 alone.
var (
	errGateway   = errors.New("the gateway is not let in")
	errCanonical = errors.New("the request is not in canonical form")
	errNoRoute   = errors.New("no route of the gateways matches")
	// errNotAllowed: a policy set says no, and gives no reasons of ours.
	errNotAllowed = errors.New("a policy set does not allow it")
)

// overrides are headers by which a client asks some upstreams for another method or path than the request line says.
var overrides = []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Original-Url", "X-Rewrite-Url"}

// forwarded is the request that a gateway asks about.
type forwarded struct {
	method, host string
	path         []string // its segments, decoded; the last is empty behind a slash
}

// gatewayRoutes are the rows of the table that gateways ask.
func gatewayRoutes() []*route {
	table := []*route{
		{method: http.MethodGet, path: "/gateway/nginx", open: true, gateway: gatewayNginx, handle: passGateway, limit: decisionLimit},
		{method: http.MethodGet, path: "/gateway/forward", open: true, gateway: gatewayForward, handle: passGateway, limit: decisionLimit},
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
		table = append(table, &route{method: method, path: envoyPath + "/{path}", open: true, gateway: gatewayEnvoy, handle: passGateway, limit: decisionLimit})
	}
	return table
}

// passGateway tells a gateway whether a request may pass: 200, or a refusal.
func passGateway(c *call) error {
	g := c.server.gateway.Load()
	if g == nil {
		return because(errGateway, "this server has no routes of gateways: name their file with --gateway-routes")
	}
	if err := c.admitGateway(g); err != nil {
		if errors.Is(err, errGateway) { // who guesses keys is slowed down by address, as in recognize
			if slow := c.charge("address "+c.address(), 1, 0); slow != nil {
				return slow
			}
		}
		return err
	}
	asked, err := c.forwarded(g)
	if err != nil {
		return err
	}
	r, values, err := g.match(asked)
	if err != nil {
		return err
	}
	user, err := c.gatewayUser(g)
	if errors.Is(err, errUnauthenticated) || errors.Is(err, errKeys) {
		c.server.metrics.refusals.WithLabelValues(causeOf(err)).Inc()
	}
	if err != nil {
		return err
	}
	if err := c.ask(r, asked, user, values); err != nil {
		return err
	}
	// Always there: a gateway that copies it would let pass what the client sent in its place.
	c.set(headerGatewayUser, visible(user))
	c.begin(http.StatusOK)
	return nil
}

// ask decides what a route asks about a request. nil: it is allowed.
func (c *call) ask(r *gatewayRoute, asked *forwarded, user string, values map[string]string) error {
	question := r.question(user, values)
	if r.set != "" {
		var err error
		if question.Input, err = r.input(&question, asked, values); err != nil {
			return fmt.Errorf("write the question of a gateway: %w", err)
		}
		answer, err := c.decideIn(r.set, &question)
		if answer.ID != "" {
			c.set(headerGatewayID, answer.ID)
		}
		if err == nil && !answer.Allowed {
			err = because(errNotAllowed, "the policy set "+r.set+" does not allow it")
		}
		return err
	}
	c.narrow(question.Resource.Organization)
	answer, err := c.server.config.Guard.Decide(c.context(), &c.origin, &question)
	if err != nil {
		return err
	}
	c.set(headerGatewayID, answer.ID)
	if !answer.Allowed {
		return &guard.Denied{Answer: answer}
	}
	c.decided(&answer)
	return nil
}

// admitGateway finds out which gateway asks: it comes from where gateways are, and has a key.
func (c *call) admitGateway(g *gateway) error {
	peer, err := netip.ParseAddrPort(c.req.RemoteAddr)
	if err != nil || !g.holds(peer.Addr()) {
		return because(errGateway, "it asks from an address that is none of the gateways'")
	}
	given := c.req.Header[headerGatewayKey]
	if len(given) != 1 || !strings.HasPrefix(given[0], "ck_") {
		return because(errGateway, "a gateway sends its API key in "+headerGatewayKey+", once")
	}
	caller, err := c.server.config.Guard.Authenticate(c.context(), given[0])
	switch {
	case errors.Is(err, guard.ErrUnauthenticated), errors.Is(err, guard.ErrKeyEnded):
		return because(errGateway, "the key in "+headerGatewayKey+" is unknown, wrong, revoked or has ended")
	case err != nil:
		return err
	case !caller.May(guard.ScopeDecide):
		return because(errGateway, "the key in "+headerGatewayKey+" lacks the scope decide")
	}
	c.origin.Caller = caller
	return c.charge(caller.ID, 1, 0)
}

// forwarded reads what a gateway asks about. Nothing is taken of the query, which Caddy hands on as the client sent it.
func (c *call) forwarded(g *gateway) (*forwarded, error) {
	for name := range c.req.Header {
		plain := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
		switch {
		case slices.Contains(overrides, plain):
			return nil, because(errCanonical, plain+" asks for another request than the one that is asked about")
		case plain != name && (plain == g.header || strings.HasPrefix(plain, "Cordon-") || strings.HasPrefix(plain, "X-Cordon-") || strings.HasPrefix(plain, "X-Forwarded-")):
			// As CGI writes names the two are one, and a gateway that replaces the one lets the other pass.
			return nil, because(errCanonical, "a header with underscores would be read as "+plain+", which the gateway alone says")
		}
	}
	method, host, uri := c.req.Method, c.req.Host, c.req.RequestURI
	if c.route.gateway == gatewayEnvoy {
		var found bool
		if uri, found = strings.CutPrefix(uri, envoyPath); !found {
			return nil, because(errCanonical, "its path is not one behind "+envoyPath)
		}
	} else {
		for name, into := range map[string]*string{headerForwardMethod: &method, headerForwardHost: &host, headerForwardURI: &uri} {
			given := c.req.Header[name]
			if len(given) != 1 || given[0] == "" {
				return nil, because(errGateway, "a gateway says in "+name+", once, what it asks about")
			}
			*into = given[0]
		}
	}
	return readForwarded(method, host, uri)
}

func readForwarded(method, host, uri string) (*forwarded, error) {
	path, _, _ := strings.Cut(uri, "?")
	segments, err := readPath(path)
	if err != nil {
		return nil, err
	}
	host, err = readHost(host)
	return &forwarded{method: method, host: host, path: segments}, err
}

// gatewayUser finds out for whom a gateway asks, and limits the call as their token is limited.
func (c *call) gatewayUser(g *gateway) (string, error) {
	if g.header != "" {
		given := c.req.Header[g.header]
		if len(given) != 1 || given[0] == "" {
			return "", refuseCaller(causeMissing, "nobody is logged in: the gateway names no user in "+g.header)
		}
		if len(given[0]) > longestWord || visible(given[0]) != given[0] {
			return "", refuseCaller(causeMalformed, "the user in "+g.header+" is no word of visible ASCII without a percent sign")
		}
		return given[0], nil
	}
	token, err := c.credential()
	basic := c.basic
	c.basic = false // users are asked for a token, whatever they came with
	switch {
	case basic || err == nil && strings.HasPrefix(token, "ck_"):
		return "", refuseCaller(causeMalformed, "an API key is no user's: send a token of the issuer")
	case err != nil:
		return "", err
	}
	user, err := g.tokens.caller(c.context(), token, nil)
	if err != nil {
		return "", err
	}
	if limit := c.origin.Caller.Organization; limit != "" && user.Organization != "" && user.Organization != limit {
		return "", guard.ErrOrganizationLimit
	}
	c.narrow(user.Organization)
	return user.ID, nil
}

// narrow limits a call to an organization, where it is not limited to one. That of a route is a limit, too: a product of
// another is none there, whatever its id.
func (c *call) narrow(organization string) {
	if organization == "" || c.origin.Caller.Organization != "" {
		return
	}
	limited := *c.origin.Caller
	limited.Organization = organization
	c.origin.Caller = &limited
}

// visible writes a word in visible ASCII: the rest, and percent signs, are percent-encoded.
func visible(word string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(word) {
		if c := word[i]; c > ' ' && c < 0x7f && c != '%' {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// refuseGateway fits a refusal to what a gateway can do with it, says why in a header, and counts it.
func (c *call) refuseGateway(p *client.Problem) {
	tells := p.Status == http.StatusTooManyRequests || p.Status >= http.StatusInternalServerError // what helps others than nginx
	if p.Status != http.StatusUnauthorized && (c.route.gateway == gatewayNginx || !tells) {
		p.Status = http.StatusForbidden
	}
	reason := p.Code
	if len(p.Reasons) > 0 {
		reason = p.Reasons[0].Code
	}
	c.set(headerGatewayReason, reason)
	c.server.metrics.gateways.WithLabelValues(c.route.gateway, p.Code).Inc()
}
