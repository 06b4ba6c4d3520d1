package sdk_test

import (
	"net/http"
	"sync"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

// watch sees what a client is answered, and at which revisions it asks.
type watch struct {
	mu                sync.Mutex
	answered, atLeast string
}

func (w *watch) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		w.mu.Lock()
		w.answered, w.atLeast = response.Header.Get(client.HeaderRevision), r.Header.Get(client.HeaderAtLeast)
		w.mu.Unlock()
	}
	return response, err
}

// The SDK carries the revisions of its changes by what the server's answers to them say, so each must say it.
func TestTheAnswerToEachChangeTellsItsRevision(t *testing.T) {
	t.Parallel()
	place := program.Embedded(t)
	server := program.Serve(t, place, program.FirstKey(t, place))
	fill(t, server, load(t).Import)
	seen := &watch{}
	host := server.Client(func(config *client.Config) { config.HTTPClient = &http.Client{Transport: seen} })
	lena, ctx := host.As("lena"), t.Context()
	code := func() string {
		made, err := server.Client(nil).As("lena").CreateSupportCode(ctx, "acme")
		if err != nil {
			t.Fatal(err)
		}
		return made.Code
	}
	sign, block := "the laptop was stolen on a train", client.BlockRequest{Reason: "unpaid"}
	changes := map[string]func() error{
		"an organization": func() error {
			_, err := host.PutOrganization(ctx, "acme", client.OrganizationBody{Name: "Acme again"})
			return err
		},
		"its settings": func() error {
			_, err := host.PutSettings(ctx, "acme", client.OrganizationSettings{BlocksMustEnd: new(false)})
			return err
		},
		"a user": func() error {
			_, err := lena.PutUser(ctx, "acme", "new", client.UserBody{Name: "New", Email: "new@acme.example", Role: client.RoleClient})
			return err
		},
		"a patch": func() error {
			_, err := host.PatchUser(ctx, "acme", "cleo", client.UserPatch{Role: new(client.RoleCollaborator)})
			return err
		},
		"a user that goes": func() error { _, err := host.DeleteUser(ctx, "acme", "carl"); return err },
		"a product": func() error {
			_, err := host.PutProduct(ctx, "acme", "new", client.ProductBody{Name: "New", Kind: client.KindDomain})
			return err
		},
		"a product that goes": func() error { _, err := host.DeleteProduct(ctx, "acme", "site"); return err },
		"a block":             func() error { _, err := lena.BlockProduct(ctx, "acme", "shop", block); return err },
		"maintenance":         func() error { _, err := lena.StartMaintenance(ctx, "acme", "mail", block); return err },
		"a user's block": func() error {
			_, err := lena.BlockUser(ctx, "acme", "adam", client.BlockUserRequest{Justification: sign, SupportCode: code()})
			return err
		},
		"a procedure": func() error {
			_, err := lena.SecureUser(ctx, "acme", "lena", client.SecureRequest{Justification: sign})
			return err
		},
	}
	for name, change := range changes {
		if err := change(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		told := seen.answered
		if _, err := host.Can(ctx, "lena", client.ActionView, client.OnProduct("mail")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if told == "" || seen.atLeast != "acme="+told {
			t.Errorf("%s: the answer tells %q, and the next question is asked at %q", name, told, seen.atLeast)
		}
	}
	// By another client, so that this one carries a revision of what is there no more.
	if _, err := server.Client(nil).DeleteOrganization(ctx, "acme"); err != nil {
		t.Fatal(err)
	}
	if can, err := host.Can(ctx, "lena", client.ActionView, client.OnProduct("mail")); can || err != nil || seen.atLeast == "" {
		t.Errorf("of what is gone: %v, %v, asked at %q", can, err, seen.atLeast)
	}
}

// On the loopback a server knows itself by the address that it is asked at.
func TestTheMetadataIsOfTheServerThatIsAsked(t *testing.T) {
	t.Parallel()
	place := program.Embedded(t)
	server := program.Serve(t, place, program.FirstKey(t, place))
	m, err := server.Client(nil).Metadata(t.Context())
	if err != nil || m.SearchResourceEndpoint != server.URL+"/access/v1/search/resource" {
		t.Errorf("%+v, %v", m, err)
	}
}
