package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
)

const settingsPath = acmePath + "/settings"

func TestTheSettingsOfAnOrganizationAreReadAndReplacedByTheirTag(t *testing.T) { // docs/design.md 12
	w := newWorld(t)
	w.do(t, http.MethodGet, settingsPath, nil).refused(t, http.StatusNotFound, "not_found")
	w.acme(t)
	early := time.Now()
	var got, none client.Settings
	first := w.do(t, http.MethodGet, settingsPath, nil).want(t, http.StatusOK)
	first.into(t, &got)
	want := client.Settings{
		InForce:  client.OrganizationSettings{AdministratorsManageBlockedProducts: new(false), BlocksMustEnd: new(false), ProductEventsTo: client.ToMembers},
		Left:     []string{client.SettingBlocksMustEnd, client.SettingProductEventsTo},
		Revision: got.Revision,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	tag := first.header.Get("ETag")
	w.do(t, http.MethodGet, settingsPath, nil, set("If-None-Match", tag)).want(t, http.StatusNotModified)

	chosen := client.OrganizationSettings{BlocksMustEnd: new(true), ProductEventsTo: client.ToAdmins}
	put := w.do(t, http.MethodPut, settingsPath, chosen, set("If-Match", tag), as("anna")).want(t, http.StatusOK)
	put.into(t, &got)
	want.OrganizationSettings, want.Revision = chosen, want.Revision+1
	want.InForce.BlocksMustEnd, want.InForce.ProductEventsTo = new(true), client.ToAdmins
	if diff := cmp.Diff(want, got); diff != "" || put.header.Get("ETag") == tag {
		t.Errorf("tag %s, before %s (-want +got):\n%s", put.header.Get("ETag"), tag, diff)
	}
	var r client.Record
	w.record(t, put.header.Get(client.HeaderDecisionID)).into(t, &r)
	if r.Question.Action.Name != "change_settings" || r.Actor != "anna" || r.Revision != got.Revision {
		t.Errorf("on record is %+v", r)
	}
	w.do(t, http.MethodPut, settingsPath, chosen, set("If-Match", tag)).refused(t, http.StatusPreconditionFailed, "precondition_failed")
	w.do(t, http.MethodPut, settingsPath, chosen, set("If-None-Match", "*")).refused(t, http.StatusPreconditionFailed, "precondition_failed")
	w.do(t, http.MethodPut, settingsPath, client.OrganizationSettings{}, as("carl")).denied(t, "role_not_permitted")
	w.do(t, http.MethodPut, settingsPath, `{"administrators_manage_blocked_products":true}`).pointer(t, "/administrators_manage_blocked_products")
	w.do(t, http.MethodPut, settingsPath, `{"product_events_to":"all"}`).pointer(t, "/product_events_to")
	w.do(t, http.MethodPut, settingsPath, `{"blocks_must_end":"yes"}`).pointer(t, "/blocks_must_end")
	w.do(t, http.MethodPut, settingsPath, `{"in_force":{}}`).pointer(t, "/in_force")

	// It decides: a block without an end is denied, and asked about it may be.
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak"}, as("anna")).denied(t, "end_required")
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak", ExpiresAt: time.Now().Add(time.Hour)}, as("anna")).want(t, http.StatusOK)

	// The object that an organization is has another tag than its settings, and is told as of a time with them.
	var d, before client.Directory
	w.do(t, http.MethodGet, acmePath+"/at?time="+timeOf(time.Now()), nil).want(t, http.StatusOK).into(t, &d)
	if s := d.Organization.Settings; s == nil || s.SetBy == nil || s.SetBy.By != "anna" || cmp.Diff(chosen, s.OrganizationSettings) != "" {
		t.Errorf("as of now: %+v", s)
	}
	w.do(t, http.MethodGet, acmePath+"/at?time="+timeOf(early), nil).want(t, http.StatusOK).into(t, &before)
	if before.Organization.Settings != nil {
		t.Errorf("as of before: %+v", before.Organization.Settings)
	}

	// null is as if it were absent.
	w.do(t, http.MethodPut, settingsPath, `{"blocks_must_end":null,"product_events_to":null}`, as("anna")).want(t, http.StatusOK).into(t, &none)
	if len(none.Left) != 2 || none.BlocksMustEnd != nil || none.ProductEventsTo != "" {
		t.Errorf("got %+v", none)
	}
}
