package clienttest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"cordon.example/client"
)

// Act is what a program did, or tried to do, through [Fake.Client].
type Act struct {
	// Action is what was done: client.ActionBlock, client.ActionStartMaintenance and so on.
	Action string
	// On is the product, the user or the organization that it was done to.
	On client.Resource
	// Organization is the one of the act; Actor, or Agent, is who acted: none of them, the host.
	Organization string
	Actor, Agent string
	// Body is what was sent, such as a [client.BlockRequest].
	Body json.RawMessage
	// Done tells that it was allowed.
	Done bool
}

// Acts gives what was done, or tried, in its order. An act is allowed where the question is: BlockProduct by lena where
// the fake was told Allow("lena", client.ActionBlock, client.OnProduct("web-1")). Of an agent and of the host the user
// is the agent's id, and empty.
func (f *Fake) Acts() []Act {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.acts)
}

// act carries out an act on a product, a user or an organization, if it is one.
func (f *Fake) act(r *http.Request, organization string, path []string, body []byte) (any, error) {
	done := Act{
		Organization: organization, Body: body,
		Actor: r.Header.Get(client.HeaderActor), Agent: r.Header.Get(client.HeaderAgent),
	}
	verb := strings.ReplaceAll(path[len(path)-1], "-", "_")
	switch {
	case len(path) == 3 && path[0] == "products":
		done.Action, done.On = verb, client.OnProduct(path[1])
	case len(path) == 3 && path[0] == "users":
		done.Action, done.On = verb, client.OnUser(organization, path[1])
	case len(path) == 1 && verb == "support_codes":
		done.Action, done.On = client.ActionCreateSupportCode, client.OnOrganization(organization)
	}
	if !slices.Contains(client.Actions(done.On.Type), done.Action) {
		return nil, problem(http.StatusNotImplemented, "not_implemented", "A fake has no "+r.Method+" "+r.URL.Path+".")
	}
	by := done.Actor + done.Agent // one of them is empty
	d, err := f.decide(r.Context(), client.Ask(by, done.Action, done.On))
	done.Done = err == nil && d.Allowed && d.Err() == nil
	f.mu.Lock()
	f.acts = append(f.acts, done)
	revision := int64(len(f.acts))
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if !done.Done {
		return nil, &client.Error{Problem: client.Problem{
			Status: http.StatusForbidden, Code: "denied", Detail: "The test does not allow it.", Reasons: d.Reasons, DecisionID: d.ID,
		}}
	}
	switch done.On.Type {
	case client.TypeProduct:
		return client.ProductAnswer{DecisionID: d.ID, Revision: revision, Product: client.Product{
			ID: done.On.ID, Organization: organization, Revision: revision,
			Blocked: done.Action == client.ActionBlock, Maintenance: done.Action == client.ActionStartMaintenance,
		}}, nil
	case client.TypeUser:
		return client.UserAnswer{DecisionID: d.ID, Revision: revision, User: client.User{
			ID: done.On.ID, Organization: organization, Revision: revision, Blocked: done.Action == client.ActionBlock,
		}}, nil
	}
	return client.SupportCode{Code: "fake"}, nil
}
