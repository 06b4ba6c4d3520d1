package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

// explainRecord answers a record decided again.
func explainRecord(c *call) error {
	x, err := c.server.config.Guard.Explain(c.context(), &c.origin, c.param("id"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, showExplanation(x))
}

func showExplanation(x *guard.Explanation) client.Explanation {
	shown := client.Explanation{
		Reproduced: x.Reproduced, WhyNot: x.WhyNot, Decision: x.Decision, Reasons: showReasons(x.Reasons),
		Rules: showRules(x.Rules), Trace: listOf(x.Trace), WhoCanChangeIt: []client.DecisionChanger{},
	}
	for i := range x.Changers {
		shown.WhoCanChangeIt = append(shown.WhoCanChangeIt, showChanger(&x.Changers[i]))
	}
	return shown
}

func showReasons(reasons []guard.ExplainedReason) []client.ExplainedReason {
	shown := make([]client.ExplainedReason, len(reasons))
	for i, r := range reasons {
		shown[i] = client.ExplainedReason{Reason: client.Reason{Code: r.Code, Message: r.Message}, ReasonUser: r.User, ReasonAdmin: r.Admin}
	}
	return shown
}

func showRules(rules []guard.FiredRule) []client.FiredRule {
	shown := make([]client.FiredRule, len(rules))
	for i, r := range rules {
		shown[i] = client.FiredRule{Path: r.Path, Row: r.Row, Code: r.Code, Effect: client.EffectAllow, Said: r.Counts}
		if r.Denies {
			shown[i].Effect = client.EffectDeny
		}
	}
	return shown
}

func showChanger(c *guard.Changer) client.DecisionChanger {
	shown := client.DecisionChanger{
		Action: c.Action, Resource: client.RecordEntity{Type: c.Resource.Type, ID: c.Resource.ID, Organization: c.Resource.Organization},
		ToRoles: c.ToRoles, Effect: c.Effect, Origin: c.Origin, Roles: listOf(c.Roles), Support: c.Support, Host: c.Host, More: c.More,
	}
	for _, s := range c.Set {
		shown.Set = append(shown.Set, client.SetBy{ID: s.ID, By: s.By, Since: utc(s.Since), ExpiresAt: utc(s.ExpiresAt), Record: s.Record})
	}
	if c.People != nil {
		shown.People = []client.Person{}
	}
	for _, m := range c.People {
		shown.People = append(shown.People, client.Person{ID: m.ID, Name: m.Name, Role: m.Role})
	}
	return shown
}
