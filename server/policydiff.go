package server

import (
	"bytes"
	"net/http"

	"cordon.example/client"
	"cordon/library"
)

// Forms of a difference for people.
const (
	mediaText = "text/plain"
	mediaPage = "text/html"
)

// pageMay lets a page show its own style and nothing else.
const pageMay = "default-src 'none'; style-src 'unsafe-inline'"

// getDiff answers what differs between two versions, in the form that is asked for.
func getDiff(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	d, err := l.Diff(c.context(), &c.origin, c.param("set"), c.param("digest"), c.req.URL.Query().Get("against"))
	if err != nil {
		return err
	}
	c.set("Vary", "Accept")
	var body bytes.Buffer
	switch chooseMedia(c.req.Header["Accept"], mediaJSON[0], mediaText, mediaPage) {
	case mediaText:
		if err := d.WriteText(&body); err != nil {
			return err
		}
		return c.say(body.Bytes())
	case mediaPage:
		if err := d.WriteHTML(&body); err != nil {
			return err
		}
		c.set("Content-Type", mediaPage+"; charset=utf-8")
		c.set("Content-Security-Policy", pageMay)
		c.send(http.StatusOK, body.Bytes())
		return nil
	default:
		return c.answer(http.StatusOK, showDiff(d))
	}
}

func showDiff(d *library.Diff) client.PolicyDiff {
	table := d.Table
	shown := client.PolicyDiff{
		Files: make([]client.PolicyFileDiff, len(d.Files)),
		Table: client.PolicyTableDiff{
			From: table.From, To: table.To, Cells: table.Cells, Changed: table.Changed, Opened: table.Opened, Closed: table.Closed,
			Reasons: table.Reasons, TookMS: table.Took.Milliseconds(), Groups: make([]client.PolicyGroup, len(table.Groups)),
		},
	}
	for i, f := range d.Files {
		shown.Files[i] = client.PolicyFileDiff(f)
	}
	for i := range table.Groups {
		g := &table.Groups[i]
		group := client.PolicyGroup{
			ID: g.ID, Text: g.Text, Where: []client.PolicyCondition{}, Resource: g.Resource, Action: g.Action, From: g.From, To: g.To,
			FromReasons: g.FromReasons, ToReasons: g.ToReasons, Cells: g.Cells, Example: client.PolicyExample(g.Example),
		}
		for _, condition := range g.Where {
			group.Where = append(group.Where, client.PolicyCondition{Fact: condition.Fact, Is: condition.Is})
		}
		shown.Table.Groups[i] = group
	}
	return shown
}
