package main_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnOrganizationsSettingsAreSetOneByOne(t *testing.T) {
	const settings = `{"blocks_must_end":true,"in_force":{"administrators_manage_blocked_products":false,"blocks_must_end":true,"product_events_to":"members"},"left":["blocks_must_end","product_events_to"],"revision":7}`
	const path = "/v1/organizations/acme/settings"
	s := serve(t, map[string]string{"GET " + path: "200 " + settings, "PUT " + path: "200 " + settings})
	s.command().run(t, "settings", "show", "--organization", "acme").want(t, 0, ""+
		"SETTING                                 IN FORCE  CHOSEN  LEFT TO ORGANIZATIONS\n"+
		"administrators_manage_blocked_products  false     -       no\n"+
		"blocks_must_end                         true      true    yes\n"+
		"product_events_to                       members   -       yes\n", "")
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"product_events_to=admins"}, `{"blocks_must_end":true,"product_events_to":"admins"}`},
		{[]string{"blocks_must_end=false"}, `{"blocks_must_end":false}`},
		{[]string{"blocks_must_end=default", "administrators_manage_blocked_products=true"}, `{"administrators_manage_blocked_products":true}`},
	} {
		s.asked = nil
		s.command().run(t, append([]string{"settings", "set", "--organization", "acme"}, row.args...)...)
		if diff := cmp.Diff([]string{"GET " + path, "PUT " + path + " " + row.want}, s.asked); diff != "" {
			t.Errorf("%v (-want +got):\n%s", row.args, diff)
		}
	}
	for _, args := range [][]string{{"blocks_must_end"}, {"blocks_must_end=yes"}, {"colour=red"}, {"product_events_to=all"}, {"blocks_must_end=true", "blocks_must_end=false"}} {
		s.command().run(t, append([]string{"settings", "set", "--organization", "acme"}, args...)...).want(t, 2, "", "sets nothing")
	}
	changed := serve(t, map[string]string{
		"GET " + path: "200 " + settings,
		"PUT " + path: `412 {"type":"about:blank","title":"x","status":412,"detail":"x","code":"precondition_failed","request_id":"r"}`,
	})
	changed.command().run(t, "settings", "set", "blocks_must_end=true", "--organization", "acme").want(t, 3, "", "somebody else has changed them meanwhile")
}
