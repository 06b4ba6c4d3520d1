package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"cordon.example/client"
	"cordon/guard"
	"cordon/library"
)

// CheckLimit is how long a call may take that compiles a policy, runs its tests and asks it the whole table: two processes
// one after the other, each of which may take two minutes, and a turn to be waited for.
const CheckLimit = 5 * time.Minute

// Bounds of what is sent and done with policies.
const (
	largestPolicy = 2 << 20 // bytes of a body
	// trialLimit is time for a trial of what was never in force, which may take 20 seconds, and for the one before it: who
	// is stopped is told so, and it is on record.
	trialLimit = 50 * time.Second
)

const (
	policySetPath = "/v1/policies/{set}"
	versionPath   = policySetPath + "/versions/{digest}"
)

// Who may do what with policies (docs/design.md 12, Who).
var (
	policyReaders    = []string{guard.ScopePolicy, guard.ScopeDraft, guard.ScopeApprove, guard.ScopeActivate, guard.ScopeAudit}
	policyAuthors    = []string{guard.ScopeDraft}
	policyApprovers  = []string{guard.ScopeApprove}
	policyActivators = []string{guard.ScopeActivate}
)

// policyRead and policyChange are the rows of what reads policies, and of what a person changes.
func policyRead(path string, query []string, handle func(*call) error) *route {
	return &route{method: http.MethodGet, path: path, scopes: policyReaders, named: true, query: query, handle: handle}
}

func policyChange(method, path string, scopes []string, handle func(*call) error) *route {
	return &route{method: method, path: path, scopes: scopes, named: true, needsActor: true, changes: true, tagged: true,
		largest: largestPolicy, limit: CheckLimit, handle: handle}
}

// policyAct is the row of a change that would be another one if it were repeated.
func policyAct(path string, scopes []string, handle func(*call) error) *route {
	r := policyChange(http.MethodPost, path, scopes, handle)
	r.once = true
	return r
}

// policyDiff is the row of what asks two versions everything.
func policyDiff() *route {
	r := policyRead(versionPath+"/diff", []string{"against"}, getDiff)
	r.limit = CheckLimit
	return r
}

// policyRoutes are those of docs/design.md 12.
func policyRoutes() []*route {
	post, put := http.MethodPost, http.MethodPut
	set := policyRead(policySetPath, nil, getPolicySet)
	set.tagged = true
	return []*route{
		policyRead("/v1/policies", pageQuery, listPolicySets),
		addPolicySetRoute(),
		policyChange(http.MethodDelete, policySetPath, []string{guard.ScopePolicy}, removePolicySet),
		set,
		policyChange(put, policySetPath+"/gates", []string{guard.ScopeAdmin}, putPolicyGates),
		policyRead(policySetPath+"/shadow", nil, getPolicyShadow),
		policyChange(put, policySetPath+"/shadow", policyActivators, putPolicyShadow),
		policyChange(http.MethodDelete, policySetPath+"/shadow", policyActivators, deletePolicyShadow),
		policyRead(policySetPath+"/activations", pageQuery, listActivations),
		policyAct(policySetPath+"/rollback", policyActivators, rollBackPolicy),
		policyAct(policySetPath+"/reviews/{review}/close", policyApprovers, closePolicyReview),
		policyRead(policySetPath+"/versions", pageQuery, listVersions),
		policyChange(post, policySetPath+"/versions", policyAuthors, pushVersion),
		policyRead(versionPath, nil, getVersion),
		policyRead(versionPath+"/files", nil, getVersionFiles),
		policyRead(versionPath+"/bundle", nil, getBundle),
		{method: post, path: versionPath + "/check", scopes: policyAuthors, named: true, needsActor: true, changes: true, limit: CheckLimit,
			handle: checkVersion},
		{method: post, path: versionPath + "/tests", scopes: policyAuthors, named: true, needsActor: true, changes: true, tagged: true,
			query: previewQuery, limit: CheckLimit, handle: addPolicyTest},
		{method: post, path: policySetPath + "/evaluate", scopes: policyReaders, named: true, limit: trialLimit, handle: evaluatePolicy},
		policyDiff(),
		policyChange(post, versionPath+"/approve", policyApprovers, approveVersion),
		policyAct(versionPath+"/activate", policyActivators, activateVersion),
	}
}

// library is where versions are kept; a server without one has nothing at these paths.
func (c *call) library() (*library.Library, error) {
	if c.server.config.Library == nil {
		return nil, errRoute
	}
	return c.server.config.Library, nil
}

// libraryFor reads a body, too, strictly.
func (c *call) libraryFor(body any) (*library.Library, error) {
	l, err := c.library()
	if err != nil {
		return nil, err
	}
	return l, c.decode(body)
}

func listPolicySets(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	if _, err := c.page(); err != nil {
		return err
	}
	var sets []library.Standing
	names, err := l.Sets(c.context())
	if err != nil {
		return err
	}
	for _, name := range names {
		set, err := l.Standing(c.context(), &c.origin, name)
		if _, gone := errors.AsType[*guard.NotFound](err); gone {
			continue // it was removed meanwhile
		}
		if err != nil {
			return err
		}
		sets = append(sets, *set)
	}
	return listed(c, sets, "", showPolicySet)
}

// getPolicySet answers whoever has the set already, too: its tag is that of what is in force, and its gates and reviews
// change without one.
func getPolicySet(c *call) error {
	match, err := c.tags("If-Match")
	if err != nil {
		return err
	}
	return c.answerPolicySet(match)
}

// answerPolicySet answers how the set in the path stands, where it is the one that is asked for.
func (c *call) answerPolicySet(match tags) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	set, err := l.Standing(c.context(), &c.origin, c.param("set"))
	if err != nil {
		return err
	}
	tag := library.Tag(set.Activation.Number)
	c.set("Etag", tag)
	if match.given && !match.holds(tag, false) {
		return otherNow(tag)
	}
	return c.answer(http.StatusOK, showPolicySet(set))
}

func putPolicyGates(c *call) error {
	var body client.PolicyGates
	l, err := c.libraryFor(&body)
	if err != nil {
		return err
	}
	gates := library.FreshGates(c.param("set"))
	gates.SecondPerson, gates.InvariantsFree, gates.DiffRead = body.SecondPerson, body.InvariantsFree, body.DiffRead
	if body.Coverage != nil {
		gates.Coverage = *body.Coverage
	}
	if body.AcknowledgeFlips != nil {
		gates.AcknowledgeFlips = *body.AcknowledgeFlips
	}
	if _, err := l.SetGates(c.context(), &c.origin, c.param("set"), gates); err != nil {
		return err
	}
	return c.answerPolicySet(tags{})
}

func listActivations(c *call) error {
	return listPolicies(c, (*library.Library).History, showActivation)
}

func listVersions(c *call) error {
	return listPolicies(c, (*library.Library).Versions, showVersion)
}

// listPolicies answers a page of what there is of a set.
func listPolicies[From, To any](c *call, list func(*library.Library, context.Context, *guard.Origin, string, library.Page) ([]From, string, error),
	show func(*From) To,
) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	page, err := c.page()
	if err != nil {
		return err
	}
	items, next, err := list(l, c.context(), &c.origin, c.param("set"), library.Page{Limit: page.Limit, After: page.After})
	if err != nil {
		return err
	}
	return listed(c, items, next, show)
}

// messageBody is what is said of an act.
type messageBody struct {
	Message string `json:"message"`
}

func rollBackPolicy(c *call) error {
	var body messageBody
	l, err := c.libraryFor(&body)
	if err != nil {
		return err
	}
	return c.activate(func() (library.InForce, error) {
		return l.Rollback(c.context(), &c.origin, c.param("set"), body.Message)
	})
}

// closePolicyReview answers with the revision 0, like the end of a key: a review is no organization's.
func closePolicyReview(c *call) error {
	var body messageBody
	l, err := c.libraryFor(&body)
	if err != nil {
		return err
	}
	return c.act(func() (*guard.Result, error) {
		return l.CloseReview(c.context(), &c.origin, c.param("set"), c.param("review"), body.Message)
	}, showRevision)
}

func showPolicySet(s *library.Standing) client.PolicySet {
	gates := client.PolicyGates{
		SecondPerson: s.Gates.SecondPerson, Coverage: &s.Gates.Coverage, InvariantsFree: slices.Clone(s.Gates.InvariantsFree),
		AcknowledgeFlips: &s.Gates.AcknowledgeFlips, DiffRead: s.Gates.DiffRead,
	}
	shown := client.PolicySet{ActivePolicy: showActive(&s.Activation), Gates: gates, Reviews: []client.PolicyReview{}}
	for _, r := range s.Reviews {
		shown.Reviews = append(shown.Reviews, client.PolicyReview{
			ID: r.ID, Digest: r.Digest, By: r.By.Name, At: utc(r.At), Reason: r.Reason, Until: utc(r.Until),
		})
	}
	return shown
}
