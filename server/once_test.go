package server_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"cordon.example/client"
	"cordon/guard"
)

func TestARepeatGetsTheFirstAnswer(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	before := revision(t, w)
	body := client.BlockRequest{Reason: "leak"}
	first := w.do(t, http.MethodPost, shopPath+"/block", body, as("anna"), once("k1")).want(t, http.StatusOK)
	again := w.do(t, http.MethodPost, shopPath+"/block", body, as("anna"), once("k1")).want(t, http.StatusOK)
	same(t, first, again)
	if first.header.Get(client.HeaderReplayed) != "" || again.header.Get(client.HeaderReplayed) != "true" {
		t.Errorf("%s is %q on the first answer and %q on the repeat", client.HeaderReplayed,
			first.header.Get(client.HeaderReplayed), again.header.Get(client.HeaderReplayed))
	}
	if got := revision(t, w); got != before+1 {
		t.Errorf("got revision %d, want %d", got, before+1)
	}

	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "other"}, as("anna"), once("k1")).
		refused(t, http.StatusUnprocessableEntity, "idempotency_key_reused")
	w.do(t, http.MethodPost, shopPath+"/block", body, as("rita"), once("k1")).refused(t, http.StatusUnprocessableEntity, "idempotency_key_reused")
	// The key is the caller's and the path's.
	w.do(t, http.MethodPost, shopPath+"/block", body, as("anna"), once("k1"), w.scoped(t, guard.ScopeAct)).refused(t, http.StatusConflict, "already_blocked")
	w.do(t, http.MethodPost, shopPath+"/unblock", body, as("anna"), once("k1")).want(t, http.StatusOK)
	// Without a key it is another act.
	w.do(t, http.MethodPost, shopPath+"/unblock", body, as("anna")).refused(t, http.StatusConflict, "not_blocked")
}

func same(t *testing.T, first, again answer) {
	t.Helper()
	if again.status != first.status || again.body != first.body {
		t.Errorf("got %d %s, first %d %s", again.status, again.body, first.status, first.body)
	}
	for _, name := range []string{"Content-Type", client.HeaderDecisionID, client.HeaderPolicy, client.HeaderRevision} {
		if again.header.Get(name) != first.header.Get(name) {
			t.Errorf("%s: got %q, first %q", name, again.header.Get(name), first.header.Get(name))
		}
	}
}

func TestRefusalsAreRepeatedToo(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	body := client.BlockRequest{Reason: "leak"}
	denied := w.do(t, http.MethodPost, shopPath+"/block", body, as("carl"), once("denied")).want(t, http.StatusForbidden)
	w.do(t, http.MethodPut, acmePath+"/users/carl", client.UserBody{Role: client.RoleAdministrator}).want(t, http.StatusOK)
	same(t, denied, w.do(t, http.MethodPost, shopPath+"/block", body, as("carl"), once("denied")))

	conflict := w.do(t, http.MethodPost, shopPath+"/unblock", body, as("anna"), once("conflict")).want(t, http.StatusConflict)
	w.do(t, http.MethodPost, shopPath+"/block", body, as("anna")).want(t, http.StatusOK)
	same(t, conflict, w.do(t, http.MethodPost, shopPath+"/unblock", body, as("anna"), once("conflict")))

	// A 400 is not kept: the caller mends the body and tries again.
	w.do(t, http.MethodPost, mailPath+"/start-maintenance", `{"reson":"x"}`, as("anna"), once("mended")).want(t, http.StatusBadRequest)
	w.do(t, http.MethodPost, mailPath+"/start-maintenance", `{"reason":"x"}`, as("anna"), once("mended")).want(t, http.StatusOK)
}

func TestASecretIsShownOnce(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	key := client.KeyRequest{Name: "x", Scopes: []string{"decide"}}
	w.do(t, http.MethodPost, "/v1/keys", key, once("k")).want(t, http.StatusCreated)
	w.do(t, http.MethodPost, "/v1/keys", key, once("k")).refused(t, http.StatusConflict, "already_shown")
	w.do(t, http.MethodPost, acmePath+"/support-codes", struct{}{}, as("anna"), once("k")).want(t, http.StatusCreated)
	w.do(t, http.MethodPost, acmePath+"/support-codes", struct{}{}, as("anna"), once("k")).refused(t, http.StatusConflict, "already_shown")
	denied := w.do(t, http.MethodPost, acmePath+"/support-codes", struct{}{}, as("carl"), once("c")).want(t, http.StatusForbidden)
	same(t, denied, w.do(t, http.MethodPost, acmePath+"/support-codes", struct{}{}, as("carl"), once("c")))
}

func TestIdempotencyKeysThatAreNone(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	for _, key := range []string{"", strings.Repeat("k", 256), "tab\there", "é"} {
		w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "x"}, as("anna"), once(key)).
			refused(t, http.StatusBadRequest, "invalid_header")
	}
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "x"}, as("anna"), once("a"), add(client.HeaderIdempotencyKey, "b")).
		refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "x"}, as("anna"), once(strings.Repeat("k", 255))).want(t, http.StatusOK)
}

func TestARepeatDuringTheFirstWaitsForIt(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	before := revision(t, w)
	answers := make([]answer, 8)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() {
			got, err := w.try(http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak"}, as("anna"), once("k"))
			if err != nil {
				t.Error(err)
			}
			answers[i] = got
		})
	}
	group.Wait()
	firsts := 0
	for _, a := range answers {
		a.want(t, http.StatusOK)
		same(t, answers[0], a)
		if a.header.Get(client.HeaderReplayed) == "" {
			firsts++
		}
	}
	if firsts != 1 {
		t.Errorf("%d answers are no repeats, want one", firsts)
	}
	if got := revision(t, w); got != before+1 {
		t.Errorf("got revision %d, want %d", got, before+1)
	}
}
