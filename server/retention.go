package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

func getRetention(c *call) error {
	rules, err := c.server.config.Guard.Retention(c.context(), &c.origin)
	if err != nil {
		return err
	}
	return c.answerTagged(guard.Tag(&rules), showRetention(&rules))
}

func putRetention(c *call) error {
	var body client.Retention
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.SetRetention(c.context(), &c.origin, guard.PutRetention{Classes: body.Classes, Organizations: body.Organizations})
	}, func(r *guard.Result) (int, any) { return http.StatusOK, showRetention(r.Retention) })
}

// showRetention shows every class, also those that nobody set.
func showRetention(rules *guard.Retention) client.Retention {
	shown := client.Retention{Classes: map[string]string{}, Organizations: map[string]map[string]string{}}
	for _, class := range guard.RetentionClasses() {
		shown.Classes[class] = guard.RetentionDefault(class)
		if set, is := rules.Classes[class]; is {
			shown.Classes[class] = set.String()
		}
	}
	for organization, times := range rules.Organizations {
		of := map[string]string{}
		for class, set := range times {
			of[class] = set.String()
		}
		shown.Organizations[organization] = of
	}
	return shown
}

func listHolds(c *call) error {
	page, err := c.page()
	if err != nil {
		return err
	}
	items, next, err := c.server.config.Guard.Holds(c.context(), &c.origin, page)
	if err != nil {
		return err
	}
	return listed(c, items, next, showHold)
}

// holdBody is a [client.HoldRequest] that tells what is empty from what is not there.
type holdBody struct {
	Organization *string `json:"organization"`
	Class        *string `json:"class"`
	Reason       string  `json:"reason"`
}

func addHold(c *call) error {
	var body holdBody
	if err := c.decode(&body); err != nil {
		return err
	}
	hold := guard.Hold{Reason: body.Reason}
	var empty []guard.FieldError
	for _, member := range []struct {
		pointer string
		given   *string
		to      *string
	}{{"/organization", body.Organization, &hold.Organization}, {"/class", body.Class, &hold.Class}} {
		if member.given == nil {
			continue
		}
		if *member.to = *member.given; *member.to == "" {
			empty = append(empty, field(member.pointer, "is empty: leave it out to hold all"))
		}
	}
	if len(empty) > 0 {
		return invalid(empty...)
	}
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.AddHold(c.context(), &c.origin, hold)
	}, func(r *guard.Result) (int, any) { return http.StatusCreated, showHold(r.Hold) })
}

// removeHold answers with the revision 0, like the end of a key: a hold is the host's.
func removeHold(c *call) error {
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.RemoveHold(c.context(), &c.origin, c.param("id"))
	}, showRevision)
}

func showHold(h *guard.Hold) client.Hold {
	return client.Hold{ID: h.ID, Organization: h.Organization, Class: h.Class, Reason: h.Reason, By: h.By, Since: utc(h.Since)}
}
