package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"cordon.example/client"
	"cordon/guard"
)

// gateway is what is known of the gateways, as their file says it.
type gateway struct {
	networks []netip.Prefix // in which they are; the headers of nobody else are believed
	header   string         // in which they name the user; "": a token names them
	tokens   *tokens        // of users
	routes   []*gatewayRoute
}

// largestGatewayFile is how large that file may be, in bytes.
const largestGatewayFile = 1 << 20

// gatewayFile is the file as it is written (docs/gateways.md).
type gatewayFile struct {
	Gateways []string `yaml:"gateways"`
	Subject  struct {
		Header   string `yaml:"header"`
		Audience string `yaml:"audience"`
	} `yaml:"subject"`
	Hosts  []string    `yaml:"hosts"`
	Routes []yaml.Node `yaml:"routes"`
}

type gatewayRow struct {
	Hosts    []string `yaml:"hosts"`
	Methods  []string `yaml:"methods"`
	Path     string   `yaml:"path"`
	Set      string   `yaml:"set"`
	Action   string   `yaml:"action"`
	Resource struct {
		Type         string `yaml:"type"`
		ID           string `yaml:"id"`
		Organization string `yaml:"organization"`
	} `yaml:"resource"`
}

// loadGateway reads the routes of gateways; nil without a file. Tokens are those of the server's issuer.
func loadGateway(name string, issuer *tokens) (*gateway, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read the routes of gateways: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, largestGatewayFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the routes of gateways: %w", err)
	}
	if len(text) > largestGatewayFile {
		return nil, fmt.Errorf("read the routes of gateways: %s is more than a mebibyte", name)
	}
	g, err := readGateway(text, issuer)
	if err != nil {
		return nil, fmt.Errorf("read the routes of gateways: %s: %w", name, err)
	}
	return g, nil
}

// reloadGateway reads the routes of gateways; those that there are stay where that fails.
func (s *Server) reloadGateway() error {
	g, err := loadGateway(s.config.GatewayRoutes, s.tokens)
	if err == nil {
		s.gateway.Store(g)
	}
	return err
}

func readGateway(text []byte, issuer *tokens) (*gateway, error) {
	var f gatewayFile
	if err := decodeYAML(text, &f); err != nil {
		return nil, err
	}
	g := &gateway{}
	if f.Gateways == nil {
		f.Gateways = []string{"127.0.0.0/8", "::1/128"}
	}
	for _, text := range f.Gateways {
		network, err := netip.ParsePrefix(text)
		if err != nil || network.Bits() == 0 {
			return nil, fmt.Errorf("gateways: %q is no network such as 10.0.0.0/8, or everybody's", text)
		}
		g.networks = append(g.networks, network.Masked())
	}
	switch header := http.CanonicalHeaderKey(f.Subject.Header); {
	case header != "" && f.Subject.Audience != "":
		return nil, errors.New("subject: a user is named by a header or by a token for an audience, not by both")
	case header != "" && (!headerNames.MatchString(header) || strings.HasPrefix(header, "X-Forwarded-") || strings.HasPrefix(header, "Cordon-") ||
		slices.Contains([]string{"Authorization", "Host", "Cookie"}, header)):
		return nil, fmt.Errorf("subject: the header %q is none in which a gateway names a user", f.Subject.Header)
	case header != "":
		g.header = header
	case issuer == nil:
		return nil, errors.New("subject: users are named by tokens, and this server trusts no issuer (--jwt-issuer); or name the header in which the gateway does")
	default:
		g.tokens = issuer.forAudience(f.Subject.Audience)
	}
	if len(f.Routes) == 0 {
		return nil, errors.New("routes: there are none, and so nothing would pass")
	}
	for i := range f.Routes {
		r, err := readGatewayRoute(&f.Routes[i], f.Hosts)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", f.Routes[i].Line, err)
		}
		for j, before := range g.routes {
			if before.hides(r) {
				return nil, fmt.Errorf("line %d: the route is never reached: that of line %d takes all of it, or all but capitals and a slash at the end", f.Routes[i].Line, f.Routes[j].Line)
			}
		}
		g.routes = append(g.routes, r)
	}
	return g, nil
}

// decodeYAML reads one document, in which every name is one that is known.
func decodeYAML(text []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("it is empty")
		}
		return err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("it holds more than one document")
	}
	return nil
}

// holds tells whether an address is that of a gateway.
func (g *gateway) holds(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(g.networks, func(network netip.Prefix) bool { return network.Contains(address) })
}

var (
	headerNames = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	methodNames = regexp.MustCompile(`^[A-Z]+$`)
	setNames    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	stepNames   = regexp.MustCompile(`^\{([a-z][a-z0-9_]*)(\.\.\.)?\}$`)
	braces      = regexp.MustCompile(`\{[^{}]*\}`)
)

func readGatewayRoute(node *yaml.Node, hosts []string) (*gatewayRoute, error) {
	// Through its text, since only a decoder of text refuses names that are not known.
	text, err := yaml.Marshal(node)
	if err != nil {
		return nil, err
	}
	var row gatewayRow
	if err := decodeYAML(text, &row); err != nil {
		return nil, errors.New(strings.TrimSpace(yamlLines.ReplaceAllString(err.Error(), "")))
	}
	if row.Hosts == nil {
		row.Hosts = hosts
	}
	r := &gatewayRoute{hosts: row.Hosts, methods: row.Methods, set: row.Set, action: row.Action,
		resource: guard.Entity{Type: row.Resource.Type, ID: row.Resource.ID, Organization: row.Resource.Organization}}
	if len(r.hosts) == 0 {
		return nil, errors.New("hosts: name those that it is for, or \"*\" for any")
	}
	for _, host := range r.hosts {
		if label, wild := strings.CutPrefix(host, "*."); host != "*" && !(wild && hostNames.MatchString(label)) && !isHost(host) {
			return nil, fmt.Errorf("hosts: %q is no host in small letters without a port, nor *.example.com", host)
		}
	}
	if len(r.methods) == 0 {
		return nil, errors.New("methods: name those that it is for, such as [GET]")
	}
	for _, method := range r.methods {
		if !methodNames.MatchString(method) {
			return nil, fmt.Errorf("methods: %q is no method in capitals", method)
		}
	}
	if r.path, err = readSteps(row.Path); err != nil {
		return nil, err
	}
	if r.set == client.SetCordon {
		r.set = ""
	}
	if r.set != "" && !setNames.MatchString(r.set) {
		return nil, fmt.Errorf("set: %q is the name of no policy set", r.set)
	}
	if r.action == "" || r.resource.Type == "" || r.resource.ID == "" {
		return nil, errors.New("a route asks about an action, and a resource of a type with an id")
	}
	for _, text := range []string{r.resource.ID, r.resource.Organization} {
		for _, name := range braces.FindAllString(text, -1) {
			if !slices.ContainsFunc(r.path, func(s step) bool { return s.name && s.text == strings.Trim(name, "{}") }) {
				return nil, fmt.Errorf("resource: the path has no segment %s", name)
			}
		}
		if strings.ContainsAny(braces.ReplaceAllString(text, ""), "{}") {
			return nil, fmt.Errorf("resource: %q has a brace without its other", text)
		}
	}
	return r, nil
}

// yamlLines are what the reader of YAML says of lines, which are those of one route here.
var yamlLines = regexp.MustCompile(`(?m)^yaml: |unmarshal errors:\n|^\s*line \d+: | in type server\.\w+`)

// readSteps reads the path of a route: /organizations/{organization}/products/{product}, /files/{rest...}.
func readSteps(path string) ([]step, error) {
	rest, found := strings.CutPrefix(path, "/")
	if !found {
		return nil, fmt.Errorf("path: %q does not begin with a slash", path)
	}
	segments := strings.Split(rest, "/")
	steps := make([]step, len(segments))
	for i, segment := range segments {
		if named := stepNames.FindStringSubmatch(segment); named != nil {
			steps[i] = step{text: named[1], name: true, rest: named[2] != ""}
			if slices.ContainsFunc(steps[:i], func(s step) bool { return s.name && s.text == named[1] }) {
				return nil, fmt.Errorf("path: {%s} is there twice", named[1])
			}
			if steps[i].rest && i < len(segments)-1 {
				return nil, fmt.Errorf("path: {%s...} is all that is left, and stands at the end", named[1])
			}
			continue
		}
		if segment == "" && i < len(segments)-1 || segment == "." || segment == ".." {
			return nil, fmt.Errorf("path: %q is not in canonical form", path)
		}
		text, err := readSegment(segment)
		if err != nil {
			return nil, fmt.Errorf("path: %q is no segment, nor the name of one such as {product}", segment)
		}
		steps[i] = step{text: text}
	}
	return steps, nil
}

// hides tells whether no request comes to another route behind this one: this takes all of its requests or, asking
// something else, would take them but for capitals and a slash at the end, for which match refuses them.
func (r *gatewayRoute) hides(other *gatewayRoute) bool {
	for _, host := range other.hosts {
		if !slices.Contains(r.hosts, host) && !slices.Contains(r.hosts, "*") {
			return false
		}
	}
	for _, method := range other.methods {
		if !r.answers(method) {
			return false
		}
	}
	return covers(r.path, other.path, func(a, b string) bool { return a == b }) ||
		!r.asksAs(other) && covers(unslashed(r.path), unslashed(other.path), strings.EqualFold)
}

// covers tells whether every path that goes some steps goes others, too.
func covers(steps, others []step, same func(a, b string) bool) bool {
	for i, s := range steps {
		switch {
		case i == len(others):
			return false
		case s.rest:
			return others[i] != (step{})
		case others[i].rest, !s.name && (others[i].name || !same(s.text, others[i].text)), s.name && others[i] == (step{}):
			return false
		}
	}
	return len(steps) == len(others)
}
