package server

import "cordon/guard"

// GatewayRoutes are the routes of gateways in a file, for who tries them without a server.
type GatewayRoutes struct{ gateway *gateway }

// ReadGatewayRoutes reads such a file as a server does that trusts an issuer of tokens.
func ReadGatewayRoutes(name string) (*GatewayRoutes, error) {
	g, err := loadGateway(name, &tokens{})
	return &GatewayRoutes{g}, err
}

// Len is how many routes there are.
func (r *GatewayRoutes) Len() int { return len(r.gateway.routes) }

// Ask returns what would be asked about a user's request, and of which policy set, "" for the built-in one. Where such a
// request does not pass, whatever the rules say, refused is the sentence why.
func (r *GatewayRoutes) Ask(user, method, host, uri string) (question guard.Question, set, refused string) {
	asked, err := readForwarded(method, host, uri)
	var route *gatewayRoute
	var values map[string]string
	if err == nil {
		route, values, err = r.gateway.match(asked)
	}
	if err != nil {
		return question, "", problemOf(err).Detail
	}
	return route.question(user, values), route.set, ""
}
