package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cordon.example/client"
	"cordon/guard"
)

func TestAProductIsBlockedAndUnblocked(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	before := revision(t, w)
	if r, _ := w.ask(t, "anna", "manage", "product", "shop"); !r.Decision {
		t.Fatal("anna may not manage before the block")
	}

	got := w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak", Ticket: "#812"}, as("anna")).want(t, http.StatusOK)
	var answer client.ProductAnswer
	got.into(t, &answer)
	want := client.ProductAnswer{
		Product: client.Product{
			ID: "shop", Organization: "acme", Name: "Shop", Kind: "web_hosting", Blocked: true, Revision: before + 1,
			Blocks: []client.Block{{Origin: "administrator", Reason: "leak", Ticket: "#812", By: "anna"}},
		},
		DecisionID: got.header.Get(client.HeaderDecisionID), Revision: before + 1,
	}
	if diff := cmp.Diff(answer, want, cmpopts.IgnoreTypes(time.Time{})); diff != "" || answer.DecisionID == "" {
		t.Errorf("got, want:\n%s", diff)
	}
	r, decided := w.ask(t, "anna", "manage", "product", "shop")
	if r.Decision || codes(r.Context.Reasons) != "product_blocked" {
		t.Errorf("got %v %v, want that it is blocked", r.Decision, r.Context.Reasons)
	}
	if decided.header.Get(client.HeaderRevision) == "" {
		t.Error("a decision without its revision")
	}

	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "again"}, as("rita")).refused(t, http.StatusConflict, "already_blocked")
	// The host's block stands beside it, and each side lifts its own.
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "unpaid"}).want(t, http.StatusOK).into(t, &answer)
	if len(answer.Product.Blocks) != 2 {
		t.Errorf("got %v, want two blocks", answer.Product.Blocks)
	}
	w.do(t, http.MethodPost, shopPath+"/unblock", client.BlockRequest{Reason: "solved"}, as("anna")).want(t, http.StatusOK).into(t, &answer)
	if !answer.Product.Blocked || len(answer.Product.Blocks) != 1 || answer.Product.Blocks[0].Origin != "host" {
		t.Errorf("got %+v, want the host's block", answer.Product)
	}
	w.do(t, http.MethodPost, shopPath+"/unblock", client.BlockRequest{}, as("anna")).denied(t, "block_held_by_host")
	w.do(t, http.MethodPost, shopPath+"/unblock", client.BlockRequest{}).want(t, http.StatusOK)
	w.do(t, http.MethodPost, shopPath+"/unblock", client.BlockRequest{}).refused(t, http.StatusConflict, "not_blocked")
	if got := revision(t, w); got != before+4 {
		t.Errorf("got revision %d after four changes, want %d", got, before+4)
	}
	if r, _ := w.ask(t, "carl", "manage", "product", "shop"); !r.Decision {
		t.Error("carl may not manage after the blocks are lifted")
	}
}

func revision(t *testing.T, w *world) int64 {
	t.Helper()
	var o client.Organization
	w.do(t, http.MethodGet, acmePath, nil).want(t, http.StatusOK).into(t, &o)
	return o.Revision
}

func TestWhoMayActOnAProduct(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	before := revision(t, w)
	body := client.BlockRequest{Reason: "x"}
	w.do(t, http.MethodPost, shopPath+"/block", body, as("carl")).denied(t, "role_not_permitted")
	w.do(t, http.MethodPost, shopPath+"/block", body, as("ulf")).denied(t, "not_a_member")
	w.do(t, http.MethodPost, shopPath+"/block", body, agent("sam")).denied(t, "role_not_permitted")
	w.do(t, http.MethodPost, mailPath+"/block", body, as("anna")).denied(t, "mail_service_not_blockable")
	w.do(t, http.MethodPost, shopPath+"/start-maintenance", body, as("anna")).denied(t, "not_a_mail_service")
	w.do(t, http.MethodPost, mailPath+"/start-maintenance", body, as("carl")).denied(t, "role_not_permitted")
	if got := revision(t, w); got != before {
		t.Errorf("denials changed the revision from %d to %d", before, got)
	}
	// Scopes: the host's own block needs directory; an actor needs act; maintenance needs an actor.
	decide := w.scoped(t, guard.ScopeDecide)
	w.do(t, http.MethodPost, shopPath+"/block", body, decide).refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodPost, shopPath+"/block", body, w.scoped(t, guard.ScopeAct)).refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodPost, shopPath+"/block", body, w.scoped(t, guard.ScopeDirectory), as("anna")).refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodPost, mailPath+"/start-maintenance", body, decide).refused(t, http.StatusForbidden, "insufficient_scope")
	for _, act := range []string{"/start-maintenance", "/end-maintenance"} {
		w.do(t, http.MethodPost, mailPath+act, body).refused(t, http.StatusBadRequest, "invalid_header")
		w.do(t, http.MethodPost, mailPath+act, body, w.scoped(t, guard.ScopeDirectory)).refused(t, http.StatusBadRequest, "invalid_header")
	}
	w.do(t, http.MethodPost, shopPath+"/block", body, w.scoped(t, guard.ScopeAct), as("anna")).want(t, http.StatusOK)
	w.do(t, http.MethodPost, shopPath+"/block", body, w.scoped(t, guard.ScopeDirectory)).want(t, http.StatusOK)
}

func TestMaintenance(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	var answer client.ProductAnswer
	w.do(t, http.MethodPost, mailPath+"/end-maintenance", client.BlockRequest{}, as("anna")).refused(t, http.StatusConflict, "not_in_maintenance")
	w.do(t, http.MethodPost, mailPath+"/start-maintenance", client.BlockRequest{Reason: "move"}, as("anna")).want(t, http.StatusOK).into(t, &answer)
	if !answer.Product.Maintenance || answer.Product.Blocked {
		t.Errorf("got %+v", answer.Product)
	}
	w.do(t, http.MethodPost, mailPath+"/start-maintenance", client.BlockRequest{Reason: "move"}, as("rita")).refused(t, http.StatusConflict, "already_in_maintenance")
	if r, _ := w.ask(t, "anna", "read_mail", "product", "mail"); r.Decision || codes(r.Context.Reasons) != "mail_in_maintenance" {
		t.Errorf("read_mail: got %+v", r)
	}
	if r, _ := w.ask(t, "anna", "receive_mail", "product", "mail"); !r.Decision || codes(r.Context.Reasons) != "mail_reception" {
		t.Errorf("receive_mail: got %+v", r)
	}
	w.do(t, http.MethodPost, mailPath+"/end-maintenance", client.BlockRequest{}, as("anna")).want(t, http.StatusOK).into(t, &answer)
	if answer.Product.Maintenance {
		t.Errorf("got %+v", answer.Product)
	}
}

func TestBodiesOfActs(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	for name, test := range map[string]struct{ path, body, pointer string }{
		"no reason":          {shopPath + "/block", `{}`, "/reason"},
		"empty reason":       {shopPath + "/block", `{"reason":""}`, "/reason"},
		"2,001 characters":   {shopPath + "/block", `{"reason":"` + strings.Repeat("é", 2001) + `"}`, "/reason"},
		"unknown":            {shopPath + "/block", `{"reason":"x","because":"y"}`, "/because"},
		"in the past":        {shopPath + "/block", `{"reason":"x","expires_at":"2020-01-01T00:00:00Z"}`, "/expires_at"},
		"after 9999 in UTC":  {shopPath + "/block", `{"reason":"x","expires_at":"9999-12-31T23:59:59-01:00"}`, "/expires_at"},
		"no time":            {shopPath + "/block", `{"reason":"x","expires_at":"later"}`, "/expires_at"},
		"short justificaton": {acmePath + "/users/carl/block", `{"justification":"too short"}`, "/justification"},
		"long justification": {acmePath + "/users/carl/block", `{"justification":"` + strings.Repeat("x", 2001) + `"}`, "/justification"},
		"unknown channel":    {acmePath + "/users/carl/block", `{"justification":"stolen laptop","channels":["imap","pigeon"]}`, "/channels/1"},
		"code to a list":     {acmePath + "/users/carl/secure", `{"support_code":[]}`, "/support_code"},
		"channels to secure": {acmePath + "/users/carl/secure", `{"channels":[]}`, "/channels"},
		"not empty":          {acmePath + "/support-codes", `{"for":"anna"}`, "/for"},
		"no body":            {acmePath + "/support-codes", ``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w.do(t, http.MethodPost, test.path, test.body, as("anna")).pointer(t, test.pointer)
		})
	}
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: strings.Repeat("é", 2000)}, as("anna")).want(t, http.StatusOK)
	// 400 comes before 404, and 404 before the rules.
	w.do(t, http.MethodPost, acmePath+"/products/nothing/block", `{}`, as("anna")).pointer(t, "/reason")
	w.do(t, http.MethodPost, acmePath+"/products/nothing/block", `{"reason":"x"}`, as("anna")).refused(t, http.StatusNotFound, "not_found")
}

func TestAUserIsBlockedThroughSupport(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	carl := acmePath + "/users/carl"
	newCode := func(user string) string {
		t.Helper()
		var code client.SupportCode
		got := w.do(t, http.MethodPost, acmePath+"/support-codes", struct{}{}, as(user)).want(t, http.StatusCreated)
		got.into(t, &code)
		if code.Code == "" || !code.ExpiresAt.After(time.Now()) || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %+v, %v", code, got.header)
		}
		return code.Code
	}
	body := client.BlockUserRequest{Justification: "stolen laptop, call of 10:15", Channels: []string{"imap"}, Ticket: "T1"}

	w.do(t, http.MethodPost, carl+"/block", body).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, acmePath+"/support-codes", struct{}{}).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, acmePath+"/support-codes", struct{}{}, as("carl")).denied(t, "role_not_permitted")
	w.do(t, http.MethodPost, carl+"/block", body, agent("sam")).denied(t, "support_code_required")
	body.SupportCode = "AAAA-BBBB-CCCC"
	w.do(t, http.MethodPost, carl+"/block", body, agent("sam")).denied(t, "support_code_invalid")
	body.SupportCode = newCode("anna")
	blank := body
	blank.Justification = "  "
	w.do(t, http.MethodPost, carl+"/block", blank, agent("sam")).denied(t, "justification_required")

	var answer client.UserAnswer
	w.do(t, http.MethodPost, carl+"/block", body, w.scoped(t, guard.ScopeSupport), agent("sam")).want(t, http.StatusOK).into(t, &answer)
	want := []client.UserBlock{{Origin: "support", Channels: []string{"imap"}, By: "sam"}}
	if diff := cmp.Diff(answer.User.Blocks, want, cmpopts.IgnoreTypes(time.Time{})); diff != "" || !answer.User.Blocked || answer.DecisionID == "" {
		t.Errorf("got %+v:\n%s", answer, diff)
	}
	var read client.User
	w.do(t, http.MethodGet, carl, nil).want(t, http.StatusOK).into(t, &read)
	if diff := cmp.Diff(read, answer.User); diff != "" {
		t.Errorf("read, answered:\n%s", diff)
	}
	if r, _ := w.ask(t, "carl", "manage", "product", "shop"); r.Decision || r.Context.Reasons[0].Code != "user_blocked" {
		t.Errorf("got %+v", r)
	}
	// Used once.
	w.do(t, http.MethodPost, carl+"/unblock", body, agent("sam")).denied(t, "support_code_invalid")
	// An administrator's own code lifts no block of support's.
	body.SupportCode = newCode("anna")
	w.do(t, http.MethodPost, carl+"/unblock", body, as("anna")).denied(t, "block_held_by_support")
	body.SupportCode = newCode("rita")
	w.do(t, http.MethodPost, carl+"/unblock", body, agent("sam")).want(t, http.StatusOK).into(t, &answer)
	if answer.User.Blocked {
		t.Errorf("got %+v", answer.User)
	}
	w.do(t, http.MethodPost, carl+"/secure", client.SecureRequest{Justification: "strange logins seen"}, as("anna")).want(t, http.StatusOK)
	w.do(t, http.MethodPost, carl+"/secure", client.SecureRequest{Justification: "strange logins seen"}, agent("sam")).denied(t, "support_code_required")

	log := w.logged()
	for _, secret := range []string{"stolen laptop", "strange logins", body.SupportCode, "acme.example", w.key, "Rita"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}
