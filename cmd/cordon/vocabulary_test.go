package main_test

import (
	"slices"
	"testing"

	"cordon.example/client"
	"cordon/guard"
	"cordon/policies"

	"github.com/google/go-cmp/cmp"
)

// The words that the SDK offers are those of the rules and of the guard.
func TestTheWordsOfTheSDKAreTheHouses(t *testing.T) {
	engine, err := policies.Compile(t.Context(), policies.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, r := range engine.Rules() {
		if slices.Contains(client.ReasonCodes(), r.Code) { // a policy may have more
			codes = append(codes, r.Code)
		}
	}
	for name, lists := range map[string][2][]string{
		"roles":          {client.Roles(), engine.Roles()},
		"channels":       {client.Channels(), engine.Channels()},
		"reasons":        {client.ReasonCodes(), codes},
		"actions":        {client.Actions(client.TypeProduct), engine.Actions(policies.TypeProduct)},
		"of users":       {client.Actions(client.TypeUser), engine.Actions(policies.TypeUser)},
		"organizations":  {client.Actions(client.TypeOrganization), engine.Actions(policies.TypeOrganization)},
		"of channels":    {client.Actions(client.TypeChannel), engine.Actions(policies.TypeChannel)},
		"other types":    {client.Actions("planet"), engine.Actions("planet")},
		"webhook events": {client.WebhookEvents(), guard.EventTypes()},
	} {
		slices.Sort(lists[0])
		slices.Sort(lists[1])
		if diff := cmp.Diff(lists[0], lists[1]); diff != "" {
			t.Errorf("%s (-client +house):\n%s", name, diff)
		}
	}
}
