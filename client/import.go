package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// ImportLine is one line of an import: exactly one of its members is set. Lines are carried out in
// their order, so a product comes before the users that are granted it.
type ImportLine struct {
	Organization *ImportOrganization `json:"organization,omitempty"`
	User         *ImportUser         `json:"user,omitempty"`
	Product      *ImportProduct      `json:"product,omitempty"`
}

// ImportOrganization is an organization of an import.
type ImportOrganization struct {
	ID string `json:"id"`
	OrganizationBody
}

// ImportUser is a user of an import.
type ImportUser struct {
	Organization string `json:"organization"`
	ID           string `json:"id"`
	UserBody
}

// ImportProduct is a product of an import.
type ImportProduct struct {
	Organization string `json:"organization"`
	ID           string `json:"id"`
	ProductBody
}

// ImportReport is what became of an import. The counts are of what was taken in.
type ImportReport struct {
	Organizations int       `json:"organizations"`
	Users         int       `json:"users"`
	Products      int       `json:"products"`
	Grants        int       `json:"grants"`
	Refused       []Refusal `json:"refused"`
	// StoppedAtLine is where an import stopped: at its 1,000th refusal. Lines before it that are not in
	// Refused were taken in, and nothing after it was. 0: it went to its end.
	StoppedAtLine int `json:"stopped_at_line,omitzero"`
}

// Refusal is a line of which nothing was taken in, and why.
type Refusal struct {
	Line   int    `json:"line"` // from 1
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Import loads NDJSON, one [ImportLine] a line, as a stream of any length. Refused lines are no
// error: they are in the report, and the lines beside them were taken in; the 1,000th refusal stops the
// import. An import is never
// repeated by itself; loading the same lines again is safe, for a line that changes nothing has no
// effect.
func (c *Client) Import(ctx context.Context, lines io.Reader) (ImportReport, error) {
	report, err := c.sendImport(ctx, lines)
	if err != nil {
		return ImportReport{}, fmt.Errorf("import: %w", err)
	}
	return report, nil
}

func (c *Client) sendImport(ctx context.Context, lines io.Reader) (ImportReport, error) {
	target, err := c.target(call{path: []string{"v1", "import"}})
	if err != nil {
		return ImportReport{}, err
	}
	header := c.header()
	header.Set("Content-Type", "application/x-ndjson")
	res, err := c.send(ctx, http.MethodPost, target, header, lines)
	if err != nil {
		return ImportReport{}, err
	}
	defer res.Body.Close()
	var report ImportReport
	return report, readAnswer(res, &report)
}
