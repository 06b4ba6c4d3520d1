package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

// explanation is what an answer says beside its reasons, and to whom.
type explanation int

const (
	noExplanation explanation = iota
	forUser
	forAdmin
)

// explaining reads Cordon-Explain. What an administrator is told names rules and blocks, so it takes
// the scope of those who read the log.
func (c *call) explaining() error {
	given, ok := c.req.Header[client.HeaderExplain]
	switch {
	case !ok:
	case len(given) == 1 && given[0] == client.ExplainUser:
		c.explanation = forUser
	case len(given) == 1 && given[0] == client.ExplainAdmin:
		if !c.origin.Caller.May(guard.ScopeAudit) {
			return because(errScope, client.HeaderExplain+": "+client.ExplainAdmin+" needs the scope "+guard.ScopeAudit)
		}
		c.explanation = forAdmin
	default:
		return because(errHeader, client.HeaderExplain+" must be "+client.ExplainUser+" or "+client.ExplainAdmin)
	}
	return nil
}

// appendDecision appends a decision as AuthZEN has it, its reasons told in a language and explained to
// who asked for that.
func (c *call) appendDecision(dst []byte, a *guard.Answer, language string) []byte {
	dst = append(dst, `{"decision":`...)
	if a.Allowed {
		dst = append(dst, `true,"context":{"reasons":`...)
	} else {
		dst = append(dst, `false,"context":{"reasons":`...)
	}
	dst = append(dst, a.ReasonsJSON(language)...)
	return append(c.appendExplained(dst, a), "}}"...)
}

// appendExplained appends the sentences that were asked for, each a member with a comma before it.
func (c *call) appendExplained(dst []byte, a *guard.Answer) []byte {
	switch c.explanation {
	case noExplanation:
	case forUser:
		dst = a.AppendUser(dst)
	case forAdmin:
		dst = a.AppendAdmin(dst)
	}
	return dst
}

// showDenied tells a denied act in a language, and explains it to who asked for that.
func (c *call) showDenied(p *client.Problem, a *guard.Answer, language string) {
	p.Reasons = nil
	for _, r := range a.ReasonsIn(language) {
		p.Reasons = append(p.Reasons, client.Reason{Code: r.Code, Message: r.Message})
	}
	p.Detail = p.Reasons[0].Message
	switch c.explanation {
	case noExplanation:
	case forUser:
		p.ReasonUser = a.User()
	case forAdmin:
		p.ReasonAdmin = a.Admin()
	}
}

// listReasons answers the catalogue of the policy in force.
func listReasons(c *call) error {
	policy := c.server.config.Guard.Policy()
	return c.answerCatalogue(policy.Digest(), func() any {
		catalogue := client.ReasonCatalogue{Policy: policy.Digest(), Items: []client.ReasonTexts{}}
		for _, r := range policy.Rules() {
			item := client.ReasonTexts{Code: r.Code, Effect: client.EffectAllow, User: r.Person, Admin: r.Administrator}
			if r.Denies {
				item.Effect = client.EffectDeny
			}
			catalogue.Items = append(catalogue.Items, item)
		}
		return catalogue
	})
}

// answerCatalogue answers what changes with the policy alone, whose digest is its tag.
func (c *call) answerCatalogue(digest string, show func() any) error {
	c.set(client.HeaderPolicy, digest)
	tag := `"` + digest + `"`
	c.set("Etag", tag)
	c.header()["Cache-Control"] = []string{"private, no-cache"} // kept, and asked about each time
	if c.has(tag) {
		c.begin(http.StatusNotModified)
		return nil
	}
	return c.answer(http.StatusOK, show())
}
