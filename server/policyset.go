package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
	"cordon/library"
)

// addPolicySetRoute is the row of what makes a policy set. There is nothing that a condition could be about, and a repeat
// finds that there is one of that name.
func addPolicySetRoute() *route {
	r := policyChange(http.MethodPost, "/v1/policies", []string{guard.ScopePolicy}, addPolicySet)
	r.tagged = false
	return r
}

func addPolicySet(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	var body client.PolicySetNew
	if err := c.decode(&body); err != nil {
		return err
	}
	added, err := l.AddSet(c.context(), &c.origin, library.NewSet{Name: body.Set, Message: body.Message, Files: body.Files})
	if err != nil {
		return err
	}
	version := showWholeVersion(added.Version)
	answer := client.PolicySetAdded{Set: body.Set, Version: version, Activation: added.Activation.Number}
	if answer.Version.Report = nil; version.Report != nil {
		answer.Report = *version.Report
	}
	c.set("Etag", library.Tag(added.Activation.Number))
	return c.answer(http.StatusCreated, answer)
}

// removePolicySet answers with the revision 0, like the end of a key: a set is no organization's.
func removePolicySet(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	return c.act(func() (*guard.Result, error) {
		return l.RemoveSet(c.context(), &c.origin, c.param("set"), "")
	}, showRevision)
}
