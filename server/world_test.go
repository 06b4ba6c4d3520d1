package server_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"cordon.example/client"
)

const (
	acmePath = "/v1/organizations/acme"
	shopPath = acmePath + "/products/shop"
	mailPath = acmePath + "/products/mail"
)

// acme puts an organization into the world: rita is its legal representative, anna an administrator,
// carl a collaborator with a grant to shop, clio a client without one. There is a second one, umbra.
func (w *world) acme(t testing.TB) {
	t.Helper()
	put := func(path string, body any) {
		t.Helper()
		w.do(t, http.MethodPut, path, body).want(t, http.StatusCreated)
	}
	put(acmePath, client.OrganizationBody{Name: "Acme", LegalRepresentative: &client.LegalRepresentative{ID: "rita", Email: "rita@acme.example", Name: "Rita"}})
	put(shopPath, client.ProductBody{Name: "Shop", Kind: "web_hosting"})
	put(mailPath, client.ProductBody{Name: "Mail", Kind: client.KindMailService})
	put(acmePath+"/users/anna", client.UserBody{Name: "Anna", Email: "anna@acme.example", Role: client.RoleAdministrator})
	put(acmePath+"/users/carl", client.UserBody{Name: "Carl", Email: "carl@acme.example", Role: client.RoleCollaborator, Grants: []string{"shop", "mail"}})
	put(acmePath+"/users/clio", client.UserBody{Name: "Clio", Role: client.RoleClient})
	put("/v1/organizations/umbra", client.OrganizationBody{Name: "Umbra", LegalRepresentative: &client.LegalRepresentative{ID: "ulf"}})
	put("/v1/organizations/umbra/products/dark", client.ProductBody{Name: "Dark", Kind: "domain"})
}

// ask asks one question.
func (w *world) ask(t testing.TB, user, action, kind, id string, edits ...edit) (client.EvaluationResponse, answer) {
	t.Helper()
	got := w.do(t, http.MethodPost, "/access/v1/evaluation", client.EvaluationRequest{
		Subject: client.Subject{Type: "user", ID: user}, Action: client.Action{Name: action}, Resource: client.Resource{Type: kind, ID: id},
	}, edits...).want(t, http.StatusOK)
	var r client.EvaluationResponse
	got.into(t, &r)
	return r, got
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// logged gives what was logged so far.
func (w *world) logged() string {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return w.log.text.String()
}

// record waits until a record is in the log, which is soon (docs/design.md 11, Records).
func (w *world) record(t testing.TB, id string) answer {
	t.Helper()
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w.do(t, http.MethodGet, "/v1/decisions/"+id, nil).want(t, http.StatusOK)
}
