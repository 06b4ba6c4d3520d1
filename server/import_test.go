package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
	"cordon/datastore"
	"cordon/guard"
)

var ndjson = contentType("application/x-ndjson")

func (w *world) load(t *testing.T, lines string) client.ImportReport {
	t.Helper()
	var report client.ImportReport
	w.do(t, http.MethodPost, "/v1/import", strings.NewReader(lines), ndjson).want(t, http.StatusOK).into(t, &report)
	return report
}

const acmeLines = `{"organization":{"id":"acme","name":"Acme","legal_representative":{"id":"rita","email":"rita@acme.example","name":"Rita"}}}
{"product":{"organization":"acme","id":"shop","name":"Shop","kind":"web_hosting"}}

{"user":{"organization":"acme","id":"carl","name":"Carl","email":"carl@acme.example","role":"collaborator","grants":["shop"]}}
`

func TestADirectoryIsLoaded(t *testing.T) {
	w := newWorld(t)
	got := w.load(t, acmeLines)
	// The legal representative of the organization's line is a user as well.
	want := client.ImportReport{Organizations: 1, Users: got.Users, Products: 1, Grants: 1, Refused: []client.Refusal{}}
	if diff := cmp.Diff(got, want); diff != "" || got.Users < 1 {
		t.Errorf("got, want:\n%s", diff)
	}
	if r, _ := w.ask(t, "carl", "manage", "product", "shop"); !r.Decision {
		t.Errorf("got %+v", r)
	}
	before := revision(t, w)
	w.load(t, acmeLines)
	if after := revision(t, w); after != before {
		t.Errorf("loading the same again changed the revision from %d to %d", before, after)
	}
}

func TestEachRefusalNamesItsLine(t *testing.T) {
	w := newWorld(t)
	lines := []string{
		1:  `{"organization":{"id":"acme","name":"Acme","legal_representative":{"id":"rita"}}}`,
		2:  `{"product":{"organization":"acme","id":"shop","name":"Shop","kind":"web_hosting","color":"red"}}`,
		3:  `{"product":{"organization":"acme","id":"shop","name":"Shop","kind":"web_hosting"}}` + "\r",
		4:  `not json`,
		5:  `{"user":{"organization":"acme","id":"carl","role":"collaborator","grants":["shop","nothing"]}}`,
		6:  `{}`,
		7:  `{"user":{"organization":"acme","id":"carl","role":"client"},"product":{"organization":"acme","id":"x","name":"x","kind":"x"}}`,
		8:  `{"user":{"organization":"nobody","id":"carl","role":"client"}}`,
		9:  `{"user":{"organization":"acme","id":"carl","id":"clio","role":"client"}}`,
		10: `{"user":{"organization":"acme","id":"long","name":"` + strings.Repeat("x", 256<<10) + `"}}`,
		11: `{"machine":{}}`,
		12: `{"user":{"organization":"acme","id":"clio","role":"client"}} {}`,
		13: `{"user":{"organization":"acme","id":"clio","role":"client"}}`,
	}
	got := w.load(t, strings.Join(lines[1:], "\n"))
	var refused []string
	for _, r := range got.Refused {
		refused = append(refused, fmt.Sprintf("%d %s", r.Line, r.Code))
		if r.Detail == "" {
			t.Errorf("line %d is refused without a reason", r.Line)
		}
	}
	for _, line := range []string{"2 invalid", "4 invalid", "6 invalid", "7 invalid", "9 invalid", "10 too_long", "11 invalid", "12 invalid"} {
		if !strings.Contains(strings.Join(refused, "; ")+";", line+";") {
			t.Errorf("got %q, without %q", refused, line)
		}
	}
	if len(refused) != 10 || got.Products != 1 {
		t.Errorf("got %+v", got)
	}
	// All of a line or nothing of it.
	w.do(t, http.MethodGet, acmePath+"/users/carl", nil).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodGet, acmePath+"/users/clio", nil).want(t, http.StatusOK)
}

func TestALimitedCallerLoadsItsOrganizationAlone(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	lines := `{"product":{"organization":"umbra","id":"stolen","name":"x","kind":"x"}}
{"product":{"organization":"acme","id":"blog","name":"x","kind":"x"}}
{"organization":{"id":"new","name":"New","legal_representative":{"id":"nora"}}}
{"user":{"organization":"umbra","id":"anna","role":"administrator"}}`
	limited := bearer(w.makeKey(t, guard.PutKey{Name: "acme", Scopes: guard.Scopes(), Organization: "acme"}))
	var report client.ImportReport
	w.do(t, http.MethodPost, "/v1/import", lines, ndjson, limited).want(t, http.StatusOK).into(t, &report)
	var refused []string
	for _, r := range report.Refused {
		refused = append(refused, fmt.Sprintf("%d %s", r.Line, r.Code))
	}
	want := []string{"1 organization_limit", "3 organization_limit", "4 organization_limit"}
	if diff := cmp.Diff(refused, want); diff != "" || report.Products != 1 {
		t.Errorf("got %+v:\n%s", report, diff)
	}
	w.do(t, http.MethodGet, "/v1/products/stolen", nil).refused(t, http.StatusNotFound, "not_found")
}

// The limit of a body is not for it.
func TestAnImportMayBeLong(t *testing.T) {
	w := newWorld(t, options{open: true})
	reader, writer := io.Pipe()
	const products = 6000
	go func() {
		_, err := io.WriteString(writer, acmeLines)
		for i := 0; i < products && err == nil; i++ {
			_, err = fmt.Fprintf(writer, `{"product":{"organization":"acme","id":"p%d","name":"%s","kind":"domain"}}`+"\n", i, strings.Repeat("x", 100))
		}
		writer.CloseWithError(err)
	}()
	var report client.ImportReport
	w.do(t, http.MethodPost, "/v1/import", reader, ndjson).want(t, http.StatusOK).into(t, &report)
	if report.Products != products+1 || len(report.Refused) != 0 {
		t.Errorf("got %d products and %d refusals", report.Products, len(report.Refused))
	}
}

func TestAnImportThatBreaksOffIsNoSuccess(t *testing.T) {
	w := newWorld(t, options{open: true})
	reader, writer := io.Pipe()
	broken := errors.New("the cable")
	go func() {
		_, _ = io.WriteString(writer, acmeLines)
		writer.CloseWithError(broken)
	}()
	if got, err := w.try(http.MethodPost, "/v1/import", reader, ndjson); err == nil && got.status < 400 {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// What was taken in before an import breaks off stays, and the answer says so.
func TestAnImportThatBreaksOffSaysWhatStays(t *testing.T) { // docs/design.md 10
	w := newWorld(t, options{open: true})
	reader, writer := io.Pipe()
	go func() {
		_, err := io.WriteString(writer, acmeLines)
		for i := 0; i < 2000 && err == nil; i++ {
			if i == 1000 { // the first of its transactions is on its way
				for there := false; !there; {
					_, _, missing := w.guard.Product(context.Background(), &guard.Origin{Caller: &guard.Caller{}}, "acme", "p300")
					there = missing == nil
				}
				w.store.fail(datastore.ErrUnavailable)
			}
			_, err = fmt.Fprintf(writer, `{"product":{"organization":"acme","id":"p%d","name":"P","kind":"domain"}}`+"\n", i)
		}
		writer.CloseWithError(err)
	}()
	got := w.do(t, http.MethodPost, "/v1/import", reader, ndjson)
	got.refused(t, http.StatusServiceUnavailable, "unavailable")
	if !strings.Contains(got.body, "The import broke off. 1 organizations, 1 users and ") || !strings.Contains(got.body, "were taken in and stay; send it again.") {
		t.Errorf("got %s", got.body)
	}
}
