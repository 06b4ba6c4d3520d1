package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

func getPolicyShadow(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	s, err := l.Shadow(c.context(), &c.origin, c.param("set"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, showShadow(&s))
}

func putPolicyShadow(c *call) error {
	var body client.PolicyShadowing
	l, err := c.libraryFor(&body)
	if err != nil {
		return err
	}
	if _, err := l.SetShadow(c.context(), &c.origin, c.param("set"), body.Digest, body.Sample); err != nil {
		return err
	}
	return getPolicyShadow(c)
}

func deletePolicyShadow(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	if _, err := l.EndShadow(c.context(), &c.origin, c.param("set")); err != nil {
		return err
	}
	return getPolicyShadow(c)
}

func showShadow(s *guard.Shadowing) client.PolicyShadow {
	shown := client.PolicyShadow{
		Shadow: s.Shadow, Policy: s.Policy, Sample: s.Sample, Asked: s.Asked, Same: s.Same, Failed: s.Failed, Dropped: s.Dropped,
		Seconds: s.Seconds, Differences: []client.ShadowDifference{},
	}
	for _, d := range s.Differences {
		shown.Differences = append(shown.Differences, client.ShadowDifference(d))
	}
	return shown
}
