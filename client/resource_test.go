package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"cordon.example/client"
)

func TestCallsAreTheContracts(t *testing.T) {
	until := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	off := false
	for name, test := range map[string]struct {
		call func(context.Context, *client.Client) error
		want string
	}{
		"put organization": {func(ctx context.Context, c *client.Client) error {
			_, err := c.PutOrganization(ctx, "acme", client.OrganizationBody{
				Name:                "Acme",
				LegalRepresentative: &client.LegalRepresentative{ID: "ann", Email: "ann@acme.example", Name: "Ann"},
			})
			return err
		}, `PUT /v1/organizations/acme {"name":"Acme","legal_representative":{"id":"ann","email":"ann@acme.example","name":"Ann"}}`},
		"get organization": {func(ctx context.Context, c *client.Client) error {
			_, err := c.Organization(ctx, "a/b?c")
			return err
		}, `GET /v1/organizations/a%2Fb%3Fc`},
		"delete organization": {func(ctx context.Context, c *client.Client) error {
			_, err := c.DeleteOrganization(ctx, "acme")
			return err
		}, `DELETE /v1/organizations/acme`},
		"put user": {func(ctx context.Context, c *client.Client) error {
			_, err := c.PutUser(ctx, "acme", "bob", client.UserBody{
				Name: "Bob", Email: "bob@acme.example", Role: client.RoleClient, Grants: []string{"web-1"},
				Notify: &client.NotifyBody{ProductEvents: &off},
			})
			return err
		}, `PUT /v1/organizations/acme/users/bob {"name":"Bob","email":"bob@acme.example","role":"client","grants":["web-1"],"notify":{"product_events":false}}`},
		"get user": {func(ctx context.Context, c *client.Client) error {
			_, err := c.User(ctx, "acme", "bob")
			return err
		}, `GET /v1/organizations/acme/users/bob`},
		"delete user": {func(ctx context.Context, c *client.Client) error {
			_, err := c.DeleteUser(ctx, "acme", "bob")
			return err
		}, `DELETE /v1/organizations/acme/users/bob`},
		"put product": {func(ctx context.Context, c *client.Client) error {
			_, err := c.PutProduct(ctx, "acme", "web-1", client.ProductBody{Name: "Shop", Kind: "web_hosting"})
			return err
		}, `PUT /v1/organizations/acme/products/web-1 {"name":"Shop","kind":"web_hosting"}`},
		"words": {func(ctx context.Context, c *client.Client) error {
			_, err := c.Words(ctx)
			return err
		}, `GET /v1/words`},
		"settings": {func(ctx context.Context, c *client.Client) error {
			_, err := c.Settings(ctx, "acme")
			return err
		}, `GET /v1/organizations/acme/settings`},
		"put settings": {func(ctx context.Context, c *client.Client) error {
			_, err := c.PutSettings(ctx, "acme", client.OrganizationSettings{BlocksMustEnd: new(false), ProductEventsTo: client.ToAdmins})
			return err
		}, `PUT /v1/organizations/acme/settings {"blocks_must_end":false,"product_events_to":"admins"}`},
		"get retention": {func(ctx context.Context, c *client.Client) error {
			_, err := c.Retention(ctx)
			return err
		}, `GET /v1/retention`},
		"set retention": {func(ctx context.Context, c *client.Client) error {
			_, err := c.SetRetention(ctx, client.Retention{
				Classes: map[string]string{client.ClassDecisions: "400d"}, Organizations: map[string]map[string]string{"acme": {client.ClassReads: client.Forever}},
			})
			return err
		}, `PUT /v1/retention {"classes":{"decisions":"400d"},"organizations":{"acme":{"reads":"forever"}}}`},
		"add hold": {func(ctx context.Context, c *client.Client) error {
			_, err := c.AddHold(ctx, client.HoldRequest{Organization: "acme", Class: client.ClassChanges, Reason: "court"})
			return err
		}, `POST /v1/holds {"organization":"acme","class":"changes","reason":"court"}`},
		"holds": {func(ctx context.Context, c *client.Client) error {
			for _, err := range c.Holds(ctx) {
				return err
			}
			return nil
		}, `GET /v1/holds?limit=500`},
		"remove hold": {func(ctx context.Context, c *client.Client) error { return c.RemoveHold(ctx, "hold-1") }, `DELETE /v1/holds/hold-1`},
		"get product": {func(ctx context.Context, c *client.Client) error {
			_, err := c.Product(ctx, "web-1")
			return err
		}, `GET /v1/products/web-1`},
		"delete product": {func(ctx context.Context, c *client.Client) error {
			_, err := c.DeleteProduct(ctx, "acme", "web-1")
			return err
		}, `DELETE /v1/organizations/acme/products/web-1`},
		"block": {func(ctx context.Context, c *client.Client) error {
			_, err := c.BlockProduct(ctx, "acme", "web-1", client.BlockRequest{Reason: "r", Ticket: "T-1", ExpiresAt: until})
			return err
		}, `POST /v1/organizations/acme/products/web-1/block {"reason":"r","ticket":"T-1","expires_at":"2030-01-02T03:04:05Z"}`},
		"unblock": {func(ctx context.Context, c *client.Client) error {
			_, err := c.UnblockProduct(ctx, "acme", "web-1", client.BlockRequest{Reason: "r"})
			return err
		}, `POST /v1/organizations/acme/products/web-1/unblock {"reason":"r"}`},
		"start maintenance": {func(ctx context.Context, c *client.Client) error {
			_, err := c.StartMaintenance(ctx, "acme", "mail-1", client.BlockRequest{Reason: "r"})
			return err
		}, `POST /v1/organizations/acme/products/mail-1/start-maintenance {"reason":"r"}`},
		"end maintenance": {func(ctx context.Context, c *client.Client) error {
			_, err := c.EndMaintenance(ctx, "acme", "mail-1", client.BlockRequest{Reason: "r"})
			return err
		}, `POST /v1/organizations/acme/products/mail-1/end-maintenance {"reason":"r"}`},
		"block user": {func(ctx context.Context, c *client.Client) error {
			_, err := c.BlockUser(ctx, "acme", "bob", client.BlockUserRequest{Justification: "j", SupportCode: "c", Channels: []string{"imap"}})
			return err
		}, `POST /v1/organizations/acme/users/bob/block {"justification":"j","support_code":"c","channels":["imap"]}`},
		"unblock user": {func(ctx context.Context, c *client.Client) error {
			_, err := c.UnblockUser(ctx, "acme", "bob", client.BlockUserRequest{Justification: "j", SupportCode: "c"})
			return err
		}, `POST /v1/organizations/acme/users/bob/unblock {"justification":"j","support_code":"c"}`},
		"secure user": {func(ctx context.Context, c *client.Client) error {
			_, err := c.SecureUser(ctx, "acme", "bob", client.SecureRequest{Justification: "j"})
			return err
		}, `POST /v1/organizations/acme/users/bob/secure {"justification":"j"}`},
		"support code": {func(ctx context.Context, c *client.Client) error {
			_, err := c.CreateSupportCode(ctx, "acme")
			return err
		}, `POST /v1/organizations/acme/support-codes {}`},
		"create key": {func(ctx context.Context, c *client.Client) error {
			_, err := c.CreateKey(ctx, client.KeyRequest{Name: "n", Scopes: []string{client.ScopeDecide}, Organization: "acme"})
			return err
		}, `POST /v1/keys {"name":"n","scopes":["decide"],"organization":"acme"}`},
		"revoke key": {func(ctx context.Context, c *client.Client) error {
			return c.RevokeKey(ctx, "k1")
		}, `DELETE /v1/keys/k1`},
		"record": {func(ctx context.Context, c *client.Client) error {
			_, err := c.Record(ctx, "r1")
			return err
		}, `GET /v1/decisions/r1`},
		"import": {func(ctx context.Context, c *client.Client) error {
			_, err := c.Import(ctx, strings.NewReader("{}\n"))
			return err
		}, "POST /v1/import {}\n"},
		"send events": {func(ctx context.Context, c *client.Client) error {
			_, err := c.SendEvents(ctx, []json.RawMessage{json.RawMessage(`{"decision_id":"d"}`)})
			return err
		}, `POST /logs [{"decision_id":"d"}]`},
		"export": {func(ctx context.Context, c *client.Client) error {
			body, err := c.ExportRecords(ctx, client.RecordFilter{Subject: "bob", Decision: &off, From: until}, client.FormatCSV)
			if err == nil {
				err = body.Close()
			}
			return err
		}, `GET /v1/decisions/export?decision=false&format=csv&from=2030-01-02T03%3A04%3A05Z&subject=bob`},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = strings.TrimSuffix(fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, body), " ")
				answer(w, 200, `{}`)
			})
			if err := test.call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if diff := diffOf(test.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnIDThatNamesNothingIsNotSent(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Errorf("%s was asked", r.URL) })
	for _, id := range []string{"", ".", ".."} {
		if _, err := c.DeleteUser(t.Context(), "acme", id); !errors.Is(err, client.ErrInvalid) {
			t.Errorf("id %q gave %v, want ErrInvalid", id, err)
		}
	}
}

func TestActorAndAgentAreNamed(t *testing.T) {
	var got []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Cordon-Actor")+"/"+r.Header.Get("Cordon-Agent"))
		answer(w, 200, `{}`)
	})
	for _, c := range []*client.Client{c, c.As("ann"), c.AsAgent("sue"), c.As("ann").AsAgent("sue"), c} {
		if _, err := c.Product(t.Context(), "web-1"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := diffOf([]string{"/", "ann/", "/sue", "/sue", "/"}, got); diff != "" {
		t.Errorf("actor/agent (-want +got):\n%s", diff)
	}
}

func TestListsFollowTheCursor(t *testing.T) {
	var queries []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		switch r.URL.Query().Get("cursor") {
		case "":
			answer(w, 200, `{"items":[{"id":"a"},{"id":"b"}],"next_cursor":"x"}`)
		case "x":
			answer(w, 200, `{"items":[{"id":"c"}],"next_cursor":"y"}`)
		default:
			answer(w, 503, `{"code":"unavailable"}`)
		}
	})
	var got []string
	var last error
	for u, err := range c.Users(t.Context(), "acme") {
		if err != nil {
			last = err
			continue
		}
		got = append(got, u.ID)
	}
	if diff := diffOf([]string{"a", "b", "c"}, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if !errors.Is(last, client.ErrUnavailable) {
		t.Errorf("the list ended with %v, want ErrUnavailable", last)
	}
	if diff := diffOf([]string{"limit=500", "cursor=x&limit=500", "cursor=y&limit=500"}, queries); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

func TestAListThatIsLeftFetchesNoMore(t *testing.T) {
	pages := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		pages++
		answer(w, 200, `{"items":[{"id":"a"},{"id":"b"}],"next_cursor":"x"}`)
	})
	for range c.Organizations(t.Context()) {
		break
	}
	if pages != 1 {
		t.Errorf("%d pages were fetched, want 1", pages)
	}
}
