package server

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cordon/guard"
)

// Time limits of calls, from their first byte of body to their answer.
const (
	decisionLimit = 2 * time.Second
	callLimit     = 10 * time.Second
	takeLimit     = time.Minute // of a chunk of events, its turn included
	streamLimit   = time.Hour   // of an import or an export, while data flows
)

// route is one row of the table of what the server answers. Registration, scopes, Allow, metrics
// and the test of openapi.yaml all read the same table.
type route struct {
	method string
	path   string // as OpenAPI writes it: /v1/organizations/{organization}
	query  []string
	handle func(*call) error
	limit  time.Duration

	open bool // needs no token

	// Whose API it is, where it is not our own: such a one has rules of its own.
	access  bool   // AuthZEN's: for request ids, content types and unknown members
	data    bool   // that of OPA's Data API: for path, query and shape of errors
	gateway string // what a gateway of this kind asks: for path, query and statuses

	// scopes are those of which a caller needs one. Empty: any caller.
	scopes []string
	// acts says that an actor with the scope act, or an agent with the scope support, needs no other.
	acts bool
	// needsActor refuses a call in which neither an actor nor an agent acts.
	needsActor bool
	// hostOnly refuses a call in which somebody acts; noAgent one in which an agent does.
	hostOnly, noAgent bool
	// named says that who acts is a person and no member of an organization: the subject of a token, or the one whom
	// a key names in Cordon-Actor, which takes no scope there.
	named   bool
	once    bool // knows Idempotency-Key
	tagged  bool // is about an object that has an ETag, and knows If-Match and If-None-Match
	changes bool // is logged at info: it changes state
	reads   bool // reads the log: whoever does may say why in Cordon-Purpose

	largest int64         // bytes of a body, where that is more than those of others
	names   []string      // of the parameters in the path
	count   *routeMetrics // of its answers
}

// Paths of AuthZEN 1.0, and what stands before them for a policy set of an operator, a decision point of its own.
const (
	accessPath   = "/access/v1"
	metadataPath = "/.well-known/authzen-configuration"
	setPath      = "/p/{set}"
)

// Who may start an act: a caller without an actor gets to know that one is needed, not that a scope
// is missing which would not help.
var actingScopes = []string{guard.ScopeDirectory, guard.ScopeAct, guard.ScopeSupport}

// Query parameters of the lists.
var pageQuery = []string{"limit", "cursor"}

// Query parameters of OPA's Data API.
var dataQuery = []string{"explain", "instrument", "metrics", "pretty", "provenance"}

// recordQuery is what records are asked for by.
func recordQuery() []string {
	var names []string
	for _, field := range guard.RecordFields() {
		names = append(names, field.Name)
		if field.Also != "" {
			names = append(names, field.Also)
		}
	}
	return names
}

// routes makes the table.
func (s *Server) routes() []*route {
	const (
		organization = "/v1/organizations/{organization}"
		user         = organization + "/users/{user}"
		product      = organization + "/products/{product}"
		webhook      = organization + "/webhooks/{webhook}"
	)
	decide := []string{guard.ScopeDecide}
	directory := []string{guard.ScopeDirectory}
	audit := []string{guard.ScopeAudit}
	auditors := []string{guard.ScopeAudit, guard.ScopeAdmin}
	admin := []string{guard.ScopeAdmin}
	get, put, post, remove, patch := http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch
	table := []*route{
		{method: get, path: "/livez", open: true, handle: livez},
		{method: http.MethodHead, path: "/livez", open: true, handle: livez},
		{method: get, path: "/readyz", open: true, query: []string{"verbose"}, handle: readyz},
		{method: http.MethodHead, path: "/readyz", open: true, query: []string{"verbose"}, handle: readyz},
		{method: get, path: protectedPath, open: true, handle: protectedResource},
		{method: get, path: "/openapi.yaml", handle: openAPI},

		{method: get, path: "/health", open: true, data: true, query: []string{"bundles", "plugins"}, handle: health},
		{method: get, path: dataPath, data: true, scopes: decide, query: append([]string{"input"}, dataQuery...), handle: askData, limit: decisionLimit},
		{method: post, path: dataPath, data: true, scopes: decide, query: dataQuery, handle: askData, limit: decisionLimit},

		{method: post, path: "/logs", scopes: decide, handle: takeEvents, limit: takeLimit},
		{method: post, path: "/logs/{partition}", scopes: decide, handle: takeEvents, limit: takeLimit},

		{method: get, path: "/v1/reasons", handle: listReasons},
		{method: get, path: "/v1/words", handle: listWords},

		{method: get, path: "/v1/organizations", scopes: directory, query: pageQuery, handle: listOrganizations},
		{method: get, path: organization, scopes: directory, tagged: true, handle: getOrganization},
		{method: put, path: organization, scopes: directory, acts: true, noAgent: true, changes: true, tagged: true, handle: putOrganization},
		{method: patch, path: organization, scopes: directory, acts: true, noAgent: true, changes: true, tagged: true, handle: patchOrganization},
		{method: remove, path: organization, scopes: directory, acts: true, noAgent: true, changes: true, tagged: true, handle: deleteOrganization},
		{method: get, path: organization + "/settings", scopes: directory, tagged: true, handle: getSettings},
		{method: put, path: organization + "/settings", scopes: directory, acts: true, noAgent: true, changes: true, tagged: true, handle: putSettings},
		{method: get, path: organization + "/at", scopes: audit, query: timeQuery, reads: true, handle: directoryAt},
		{method: post, path: organization + "/support-codes", scopes: actingScopes, acts: true, needsActor: true, once: true,
			changes: true, handle: createSupportCode},
		{method: remove, path: organization + "/support-codes", scopes: directory, hostOnly: true, changes: true, handle: unlockSupportCodes},

		{method: get, path: organization + "/users", scopes: directory, query: pageQuery, handle: listUsers},
		{method: get, path: user, scopes: directory, tagged: true, handle: getUser},
		{method: put, path: user, scopes: directory, acts: true, noAgent: true, changes: true, tagged: true, handle: putUser},
		{method: patch, path: user, scopes: directory, acts: true, noAgent: true, changes: true, tagged: true, handle: patchUser},
		{method: remove, path: user, scopes: directory, acts: true, noAgent: true, changes: true, tagged: true, handle: deleteUser},
		s.userAct(user+"/block", previewQuery, (*guard.Guard).BlockUser),
		s.userAct(user+"/unblock", nil, (*guard.Guard).UnblockUser),
		{method: post, path: user + "/secure", scopes: actingScopes, acts: true, needsActor: true, once: true, changes: true,
			handle: secureUser},
		{method: get, path: user + "/procedures", scopes: directory, handle: listProcedures},
		{method: post, path: user + "/procedures/{procedure}/steps/{step}", scopes: directory, acts: true, noAgent: true, once: true,
			changes: true, handle: completeStep},

		{method: get, path: organization + "/products", scopes: directory, query: pageQuery, handle: listProducts},
		{method: get, path: product, scopes: directory, tagged: true, handle: getProduct},
		{method: get, path: "/v1/products/{product}", scopes: directory, tagged: true, handle: getProduct},
		{method: put, path: product, scopes: directory, acts: true, noAgent: true, changes: true, tagged: true, handle: putProduct},
		{method: patch, path: product, scopes: directory, acts: true, noAgent: true, changes: true, tagged: true, handle: patchProduct},
		{method: remove, path: product, scopes: directory, acts: true, noAgent: true, changes: true, tagged: true, handle: deleteProduct},
		s.productAct(product+"/block", previewQuery, directory, false, (*guard.Guard).BlockProduct),
		s.productAct(product+"/unblock", nil, directory, false, (*guard.Guard).UnblockProduct),
		s.productAct(product+"/start-maintenance", previewQuery, actingScopes, true, (*guard.Guard).StartMaintenance),
		s.productAct(product+"/end-maintenance", nil, actingScopes, true, (*guard.Guard).EndMaintenance),

		{method: get, path: organization + "/webhooks", scopes: directory, query: pageQuery, handle: listWebhooks},
		{method: post, path: organization + "/webhooks", scopes: directory, acts: true, noAgent: true, once: true, changes: true,
			handle: createWebhook},
		{method: remove, path: webhook, scopes: directory, acts: true, noAgent: true, changes: true, handle: deleteWebhook},
		{method: post, path: webhook + "/rotate", scopes: directory, acts: true, noAgent: true, once: true, changes: true,
			handle: rotateWebhook},
		{method: get, path: webhook + "/deliveries", scopes: directory, query: pageQuery, handle: listDeliveries},
		{method: get, path: "/v1/messages", scopes: auditors, query: slices.Concat(pageQuery, messageQuery), handle: listMessages},
		{method: post, path: "/v1/messages/retry", scopes: admin, changes: true, handle: retryMessage},

		{method: get, path: "/v1/keys", scopes: admin, query: pageQuery, handle: listKeys},
		{method: post, path: "/v1/keys", scopes: admin, once: true, changes: true, handle: createKey},
		{method: remove, path: "/v1/keys/{id}", scopes: admin, changes: true, handle: revokeKey},

		{method: get, path: "/v1/retention", scopes: admin, tagged: true, handle: getRetention},
		{method: put, path: "/v1/retention", scopes: admin, changes: true, tagged: true, handle: putRetention},
		{method: get, path: "/v1/holds", scopes: auditors, hostOnly: true, query: pageQuery, handle: listHolds},
		{method: post, path: "/v1/holds", scopes: admin, once: true, changes: true, handle: addHold},
		{method: remove, path: "/v1/holds/{id}", scopes: admin, changes: true, handle: removeHold},

		{method: post, path: "/v1/backup", scopes: admin, hostOnly: true, handle: backUp, limit: streamLimit},
		{method: post, path: "/v1/import", scopes: directory, hostOnly: true, changes: true, handle: importLines, limit: streamLimit},

		{method: get, path: "/v1/decisions", scopes: audit, query: slices.Concat(pageQuery, []string{"order"}, recordQuery()), reads: true, handle: listRecords},
		{method: get, path: "/v1/decisions/counts", scopes: audit, query: append(recordQuery(), "by"), reads: true, handle: countRecords},
		{method: get, path: "/v1/decisions/stream", scopes: audit, query: recordQuery(), reads: true, handle: streamRecords, limit: streamLimit},
		{method: get, path: "/v1/decisions/export", scopes: audit, query: slices.Concat(exportQuery, recordQuery()),
			reads: true, handle: exportRecords, limit: streamLimit},
		{method: get, path: "/v1/decisions/{id}", scopes: audit, reads: true, handle: getRecord},
		{method: get, path: "/v1/decisions/{id}/explain", scopes: audit, reads: true, handle: explainRecord},
		{method: post, path: "/v1/decisions/at", scopes: audit, query: timeQuery, reads: true, handle: decideAt},
	}
	table = slices.Concat(table, accessRoutes("", evaluation, evaluations), accessRoutes(setPath, setEvaluation, setEvaluations),
		auditRoutes(), policyRoutes(), jobRoutes(), gatewayRoutes())
	for _, r := range table {
		if r.gateway == "" { // what they ask about is a path of its own
			r.names = parameters(r.path)
		}
		r.count = s.metrics.route(r.path)
		if r.limit == 0 {
			r.limit = callLimit
		}
	}
	return table
}

// accessRoutes are the rows of a decision point (AuthZEN 1.0): the built-in one has no path before them, a policy set has.
func accessRoutes(before string, one, many func(*call) error) []*route {
	question := func(path string, handle func(*call) error) *route {
		return &route{method: http.MethodPost, path: before + accessPath + path, access: true, scopes: []string{guard.ScopeDecide},
			handle: handle, limit: decisionLimit}
	}
	return []*route{
		{method: http.MethodGet, path: metadataPath + before, open: true, access: true, handle: wellKnown},
		question("/evaluation", one),
		question("/evaluations", many),
		question("/search/subject", searchBy(guard.FindSubjects)),
		question("/search/resource", searchBy(guard.FindResources)),
		question("/search/action", searchBy(guard.FindActions)),
	}
}

// parameters gives the names in a path.
func parameters(path string) []string {
	var names []string
	for segment := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(segment, "{") {
			names = append(names, strings.Trim(segment, "{}"))
		}
	}
	return names
}

// register hands the table to Echo: its routes, and for every other method of their paths a 405 that
// says which are allowed, to those who are let in there (docs/design.md 11, Order of checks).
func (s *Server) register(e *echo.Echo, table []*route) {
	toEcho := strings.NewReplacer("{path}", "*", "{", ":", "}", "")
	paths := map[string][]*route{}
	for _, r := range table {
		path := toEcho.Replace(r.path)
		e.Add(r.method, path, s.wrap(r))
		paths[path] = append(paths[path], r)
	}
	others := []string{http.MethodConnect, http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions,
		http.MethodPatch, http.MethodPost, echo.PROPFIND, http.MethodPut, http.MethodTrace, echo.REPORT}
	count := s.metrics.route("none")
	for path, known := range paths {
		methods := make([]string, len(known))
		for i, r := range known {
			methods[i] = r.method
		}
		slices.Sort(methods)
		allow := strings.Join(methods, ", ")
		refuse := s.wrap(&route{path: path, open: known[0].open, access: known[0].access, data: known[0].data, gateway: known[0].gateway, limit: callLimit, count: count, handle: func(c *call) error {
			c.header().Set("Allow", allow)
			return because(errMethod, "this path knows "+allow)
		}})
		for _, method := range others {
			if !slices.Contains(methods, method) {
				e.Add(method, path, refuse)
			}
		}
		s.allowed[path] = refuse
	}
	nothing := s.wrap(&route{open: true, limit: callLimit, count: count, handle: func(*call) error { return errRoute }})
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		// Echo's own refusals: no such path, or a method that nobody has heard of.
		answer := nothing
		if refuse, ok := s.allowed[c.Path()]; ok && c.Response().Header().Get("Allow") != "" {
			c.Response().Header().Del("Allow")
			answer = refuse
		}
		_ = answer(c) // it answers itself
	}
}
