package interfaces_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

// directoryDoor is a way to write to the directory; the command line is none.
type directoryDoor interface {
	tag(t *testing.T, user string) string
	patch(t *testing.T, by who, user, patch, ifMatch string) string
}

func (d overHTTP) send(t *testing.T, by who, method, user, body, ifMatch string) (*http.Response, answer) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, d.s.URL+"/v1/organizations/"+d.org+"/users/"+user, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+d.s.Key)
	request.Header.Set("Content-Type", "application/merge-patch+json")
	if by != "" {
		request.Header.Set("Cordon-Actor", string(by))
	}
	if ifMatch != "" {
		request.Header.Set("If-Match", ifMatch)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return response, a
}

func (d overHTTP) tag(t *testing.T, user string) string {
	t.Helper()
	response, _ := d.send(t, "", http.MethodGet, user, "", "")
	return response.Header.Get("ETag")
}

func (d overHTTP) patch(t *testing.T, by who, user, patch, ifMatch string) string {
	t.Helper()
	response, a := d.send(t, by, http.MethodPatch, user, patch, ifMatch)
	if response.StatusCode == http.StatusPreconditionFailed && a.Code == "precondition_failed" {
		return "changed meanwhile"
	}
	return outcome(response.StatusCode, a)
}

func (d overSDK) tag(t *testing.T, user string) string {
	t.Helper()
	u, err := d.as("").User(t.Context(), d.org, user)
	if err != nil {
		t.Fatal(err)
	}
	return u.ETag
}

func (d overSDK) patch(t *testing.T, by who, user, patch, ifMatch string) string {
	t.Helper()
	var p client.UserPatch
	if err := json.Unmarshal([]byte(patch), &p); err != nil {
		t.Fatal(err)
	}
	c := d.as(by)
	if ifMatch != "" {
		c = c.IfMatch(ifMatch)
	}
	u, err := c.PatchUser(t.Context(), d.org, user, p)
	if errors.Is(err, client.ErrPreconditionFailed) {
		return "changed meanwhile"
	}
	if err == nil && u.ETag != d.tag(t, user) {
		return "the answer has another tag than the user"
	}
	return outcomeOf(err)
}

func TestNobodysChangeIsWipedThroughAnyInterface(t *testing.T) { // docs/design.md 11, Conditions; Patches
	program.EachPlace(t, func(t *testing.T, place program.Place) {
		s := program.Serve(t, place, program.FirstKey(t, place))
		for kind, open := range map[string]func(org string) directoryDoor{
			"http": func(org string) directoryDoor { return overHTTP{s, org} },
			"sdk":  func(org string) directoryDoor { return overSDK{s, org} },
		} {
			t.Run(kind, func(t *testing.T) {
				report, err := s.Client(nil).Import(t.Context(), strings.NewReader(strings.ReplaceAll(directory, "ORG", kind)))
				if err != nil || len(report.Refused) > 0 {
					t.Fatalf("import: %+v %v", report, err)
				}
				d := open(kind)
				seen := d.tag(t, "carl")
				for i, step := range []struct {
					by             who
					patch, ifMatch string
					want           string
				}{
					{"adam", `{"language":"fr"}`, seen, "done"},
					{"lena", `{"role":"client","grants":[]}`, seen, "changed meanwhile"},
					{"cleo", `{"role":"client"}`, seen, "denied: role_not_permitted"},
					{"mallory", `{"role":"client"}`, seen, "denied: not_a_member"},
					{"adam", `{"name":"Karl"}`, "", "done"},
					{"adam", `{"notify":{"product_events":false}}`, "*", "done"},
					{"", `{"grants":[]}`, "", "done"},
					{"adam", `{"role":"legal_representative"}`, "", "denied: legal_representative_only"},
				} {
					if got := d.patch(t, step.by, "carl", step.patch, step.ifMatch); got != step.want {
						t.Errorf("step %d (%+v): got %q", i+1, step, got)
					}
				}
				carl, err := s.Client(nil).User(t.Context(), kind, "carl")
				if err != nil {
					t.Fatal(err)
				}
				if carl.Name != "Karl" || carl.Language != "fr" || carl.Role != client.RoleCollaborator || len(carl.Grants) != 0 ||
					carl.Notify.ProductEvents || carl.Email != "carl@example.org" {
					t.Errorf("carl is %+v", carl)
				}
			})
		}
		if _, err := s.Client(nil).IfAbsent().PutUser(t.Context(), "sdk", "carl", client.UserBody{Role: client.RoleClient}); !errors.Is(err, client.ErrPreconditionFailed) {
			t.Errorf("IfAbsent: %v", err)
		}
		if _, err := s.Client(nil).IfMatch("*").CreateSupportCode(t.Context(), "sdk"); !errors.Is(err, client.ErrInvalid) {
			t.Errorf("a condition on what has no ETag: %v", err)
		}
		name := "Acme 2"
		if o, err := s.Client(nil).PatchOrganization(t.Context(), "sdk", client.NamePatch{Name: &name}); err != nil || o.Name != name || o.ETag == "" {
			t.Errorf("got %+v, %v", o, err)
		}
		if p, err := s.Client(nil).PatchProduct(t.Context(), "sdk", "sdk-shop", client.NamePatch{Name: &name}); err != nil || p.Name != name || p.ETag == "" {
			t.Errorf("got %+v, %v", p, err)
		}
	})
}
