package server_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
	"cordon/guard"
	"cordon/policies"
)

const (
	setPattern = "/v1/policies/{set}"
	setPath    = "/v1/policies/cordon"
	versions   = setPath + "/versions"
)

func match(tag string) edit { return set("If-Match", tag) }

// draft is the shipped policy with something else in its settings, so that each is another.
func draft(value string) map[string]string {
	files := policies.Builtin().Files
	files["cordon/settings.json"] = strings.Replace(files["cordon/settings.json"], `"UTC"`, `"`+value+`"`, 1)
	return files
}

// push keeps a draft, and returns its digest.
func (w *world) push(t *testing.T, files map[string]string, edits ...edit) string {
	t.Helper()
	var made client.PolicyPushed
	w.do(t, http.MethodPost, versions, client.PolicyPush{Message: "why", Files: files}, append([]edit{as("lena")}, edits...)...).want(t, http.StatusCreated).into(t, &made)
	if want := (policies.Source{Files: files}).Digest(); made.Version.Digest != want || made.Version.Author != "lena" || made.Version.Message != "why" {
		t.Fatalf("got %+v, want digest %s", made.Version, want)
	}
	return made.Version.Digest
}

// free takes away the gates that this test is not about.
func (w *world) free(t *testing.T) {
	t.Helper()
	w.do(t, http.MethodPut, setPath+"/gates", `{"second_person":false,"acknowledge_flips":false}`, as("root")).want(t, http.StatusOK)
}

func (w *world) policySet(t *testing.T) (client.PolicySet, string) {
	t.Helper()
	var s client.PolicySet
	got := w.do(t, http.MethodGet, setPath, nil).want(t, http.StatusOK)
	got.into(t, &s)
	return s, got.header.Get("ETag")
}

func TestWhoMayDoWhatWithPolicies(t *testing.T) { // docs/design.md 12, Who
	w := newWorld(t, options{library: true})
	digest := w.push(t, draft("Europe/Zurich"))
	readers := []string{guard.ScopePolicy, guard.ScopeDraft, guard.ScopeApprove, guard.ScopeActivate, guard.ScopeAudit}
	for _, row := range []struct {
		method, path string
		may          []string
	}{
		{http.MethodGet, "/v1/policies", readers},
		{http.MethodGet, setPath, readers},
		{http.MethodGet, setPath + "/activations", readers},
		{http.MethodGet, versions, readers},
		{http.MethodGet, versions + "/" + digest, readers},
		{http.MethodGet, versions + "/" + digest + "/files", readers},
		{http.MethodGet, versions + "/" + digest + "/bundle", readers},
		{http.MethodGet, versions + "/" + digest + "/diff?against=none", readers}, // which is let in, and not found
		{http.MethodPost, versions, []string{guard.ScopePolicy, guard.ScopeDraft}},
		{http.MethodPost, versions + "/" + digest + "/check", []string{guard.ScopePolicy, guard.ScopeDraft}},
		{http.MethodPost, versions + "/" + digest + "/approve", []string{guard.ScopePolicy, guard.ScopeApprove}},
		{http.MethodPost, setPath + "/reviews/review-1/close", []string{guard.ScopePolicy, guard.ScopeApprove}},
		{http.MethodPost, versions + "/" + digest + "/activate", []string{guard.ScopePolicy, guard.ScopeActivate}},
		{http.MethodPost, setPath + "/rollback", []string{guard.ScopePolicy, guard.ScopeActivate}},
		{http.MethodPut, setPath + "/gates", []string{guard.ScopeAdmin}},
		{http.MethodGet, setPath + "/shadow", readers},
		{http.MethodPut, setPath + "/shadow", []string{guard.ScopePolicy, guard.ScopeActivate}},
		{http.MethodDelete, setPath + "/shadow", []string{guard.ScopePolicy, guard.ScopeActivate}},
	} {
		body := any(nil)
		if row.method != http.MethodGet {
			body = "nonsense" // what is let in is refused for it
		}
		for _, scope := range guard.Scopes() {
			got := w.do(t, row.method, row.path, body, w.scoped(t, scope), as("lena"))
			if let := got.status != http.StatusForbidden; let != slices.Contains(row.may, scope) {
				t.Errorf("%s %s with %s: got %d %s", row.method, row.path, scope, got.status, got.body)
			}
		}
		limited := bearer(w.makeKey(t, guard.PutKey{Name: "acme", Scopes: guard.Scopes(), Organization: "acme"}))
		w.do(t, row.method, row.path, body, limited, as("lena")).refused(t, http.StatusForbidden, "organization_limit")
	}
}

func TestAPersonChangesPolicies(t *testing.T) { // docs/design.md 12, Who
	w := newWorld(t, options{library: true})
	body := client.PolicyPush{Message: "why", Files: draft("Europe/Zurich")}
	only := w.scoped(t, guard.ScopeDraft)
	w.do(t, http.MethodPost, versions, body, only).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, versions, body, only, as("")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, versions, body, agent("sam")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, versions, body, only, as("lena")).want(t, http.StatusCreated) // no scope act, and no member of anything
	w.do(t, http.MethodGet, versions, nil, agent("sam")).refused(t, http.StatusBadRequest, "invalid_header")
	check := versions + "/" + policies.Builtin().Digest() + "/check"
	w.do(t, http.MethodPost, check, nil, only).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, versions+"/sha256:"+strings.Repeat("0", 64)+"/check", nil, only).refused(t, http.StatusBadRequest, "invalid_header")
}

// All that changes policies is told in the log of the server, and done by a person. A trial and a replay change none.
func TestWhatChangesPoliciesIsAPersonsAct(t *testing.T) { // docs/design.md 12, Who
	for _, r := range newWorld(t, options{library: true}).server.Routes() {
		if r.Method == http.MethodGet || !strings.HasPrefix(r.Path, setPattern) && !strings.HasPrefix(r.Path, "/v1/jobs") {
			continue
		}
		trial, replay := strings.HasSuffix(r.Path, "/evaluate"), strings.HasSuffix(r.Path, "/replay") || strings.HasPrefix(r.Path, "/v1/jobs")
		if r.Changes == trial || r.Person == (trial || replay) {
			t.Errorf("%s %s: changes something: %v, takes a person: %v", r.Method, r.Path, r.Changes, r.Person)
		}
	}
}

func TestVersionsArePushedReadAndActivated(t *testing.T) { // docs/design.md 12, Versions
	w := newWorld(t, options{library: true})
	w.free(t)
	before, tag := w.policySet(t)
	shipped := policies.Builtin().Digest()
	if before.Active != shipped || before.Activation != 1 || tag != `"1"` {
		t.Fatalf("got %+v %s", before, tag)
	}
	files := draft("Europe/Zurich")
	digest := w.push(t, files, match(tag))
	again := w.do(t, http.MethodPost, versions, client.PolicyPush{Message: "other", Files: files}, as("otto")).want(t, http.StatusOK)
	var pushed client.PolicyPushed
	again.into(t, &pushed)
	if pushed.Version.Author != "lena" || pushed.Version.Message != "why" {
		t.Errorf("the same content once more is %+v", pushed.Version)
	}
	var held map[string]string
	w.do(t, http.MethodGet, versions+"/"+digest+"/files", nil).want(t, http.StatusOK).into(t, &held)
	if diff := cmp.Diff(files, held); diff != "" {
		t.Errorf("files (-pushed +read):\n%s", diff)
	}
	var list client.List[client.PolicyVersion]
	page := w.do(t, http.MethodGet, versions+"?limit=1", nil).want(t, http.StatusOK)
	page.into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Digest != digest || list.NextCursor == "" {
		t.Fatalf("got %s", page.body)
	}
	w.do(t, http.MethodGet, versions+"?limit=1&cursor="+list.NextCursor, nil).want(t, http.StatusOK).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Digest != shipped || list.Items[0].State != client.PolicyActive {
		t.Fatalf("got %+v", list)
	}
	var active client.ActivePolicy
	got := w.do(t, http.MethodPost, versions+"/"+digest+"/activate", client.PolicyActivation{Message: "go"}, as("lena"), match(tag)).want(t, http.StatusOK)
	got.into(t, &active)
	if active.Active != digest || active.Activation != 2 || active.Previous != shipped || active.By != "lena" || active.Message != "go" || got.header.Get("ETag") != `"2"` {
		t.Errorf("got %+v %s", active, got.header.Get("ETag"))
	}
	w.do(t, http.MethodPost, versions+"/"+digest+"/activate", client.PolicyActivation{Message: "go"}, as("lena")).refused(t, http.StatusConflict, "already_active")
	w.do(t, http.MethodPost, setPath+"/rollback", messageOf("back"), as("lena"), match(tag)).refused(t, http.StatusPreconditionFailed, "precondition_failed")
	w.do(t, http.MethodPost, setPath+"/rollback", messageOf("back"), as("lena")).want(t, http.StatusOK).into(t, &active)
	if active.Active != shipped || active.Activation != 3 {
		t.Errorf("rolled back to %+v", active)
	}
	w.do(t, http.MethodPost, setPath+"/rollback", messageOf("back"), as("lena")).refused(t, http.StatusConflict, "nothing_before")
	var history client.List[client.PolicyActivated]
	w.do(t, http.MethodGet, setPath+"/activations", nil).want(t, http.StatusOK).into(t, &history)
	var how []string
	for _, a := range history.Items {
		how = append(how, a.How)
	}
	if got := strings.Join(how, " "); got != "rolled_back activated shipped" {
		t.Errorf("got %s", got)
	}
}

func messageOf(text string) any { return map[string]string{"message": text} }

func TestTwoEditorsDoNotOverwriteEachOther(t *testing.T) { // docs/design.md 12, Two editors
	w := newWorld(t, options{library: true})
	w.free(t)
	_, tag := w.policySet(t)
	first, second := w.push(t, draft("Europe/Zurich"), match(tag)), w.push(t, draft("Europe/Paris"), match(tag))
	w.do(t, http.MethodPost, versions+"/"+first+"/activate", client.PolicyActivation{Message: "go"}, as("lena"), match(tag)).want(t, http.StatusOK)
	got := w.do(t, http.MethodPost, versions+"/"+second+"/activate", client.PolicyActivation{Message: "go"}, as("otto"), match(tag))
	got.refused(t, http.StatusPreconditionFailed, "precondition_failed")
	if got.header.Get("ETag") != `"2"` {
		t.Errorf("the 412 has ETag %s", got.header.Get("ETag"))
	}
	w.do(t, http.MethodPost, versions, client.PolicyPush{Message: "late", Files: draft("Europe/Rome")}, as("otto"), match(tag)).
		refused(t, http.StatusPreconditionFailed, "precondition_failed")
	w.do(t, http.MethodPost, versions+"/"+second+"/approve", messageOf("x"), as("otto"), match(tag), w.scoped(t, guard.ScopeApprove)).
		refused(t, http.StatusPreconditionFailed, "precondition_failed")
}

func TestGatesAndReviewsTakeTheActivationThatSomebodyKnew(t *testing.T) { // docs/design.md 12, Two editors
	w := newWorld(t, options{library: true})
	_, tag := w.policySet(t)
	got := w.do(t, http.MethodPut, setPath+"/gates", `{"coverage":50}`, as("root"), match(`"99"`))
	got.refused(t, http.StatusPreconditionFailed, "precondition_failed")
	if got.header.Get("ETag") != tag {
		t.Errorf("the 412 has ETag %s, want %s", got.header.Get("ETag"), tag)
	}
	if s, _ := w.policySet(t); *s.Gates.Coverage != 100 {
		t.Errorf("the gates are %+v", s.Gates)
	}
	w.do(t, http.MethodPut, setPath+"/gates", `{"coverage":50}`, as("root"), match(tag)).want(t, http.StatusOK)
	var s client.PolicySet // which is another by now, under the same tag
	w.do(t, http.MethodGet, setPath, nil, set("If-None-Match", tag)).want(t, http.StatusOK).into(t, &s)
	if *s.Gates.Coverage != 50 {
		t.Errorf("the gates are %+v", s.Gates)
	}
	w.do(t, http.MethodGet, setPath, nil, match(`"99"`)).refused(t, http.StatusPreconditionFailed, "precondition_failed")
	w.do(t, http.MethodPost, setPath+"/reviews/review-1/close", messageOf("x"), as("otto"), match(`"99"`)).
		refused(t, http.StatusPreconditionFailed, "precondition_failed")
	w.do(t, http.MethodPost, setPath+"/reviews/review-1/close", messageOf("x"), as("otto"), match(tag)).refused(t, http.StatusNotFound, "not_found")
}

func TestAnActivationIsRepeatedOnItsCondition(t *testing.T) { // docs/design.md 11, Idempotency-Key
	w := newWorld(t, options{library: true})
	w.free(t)
	_, tag := w.policySet(t)
	digest := w.push(t, draft("Europe/Zurich"))
	activate := func(key string) answer {
		return w.do(t, http.MethodPost, versions+"/"+digest+"/activate", client.PolicyActivation{Message: "go"}, as("lena"), match(tag), once(key))
	}
	first := activate("k1").want(t, http.StatusOK)
	again := activate("k1").want(t, http.StatusOK)
	if string(again.body) != string(first.body) || again.header.Get(client.HeaderReplayed) != "true" {
		t.Errorf("the first answer was %s, and its repeat is %s", first.body, again.body)
	}
	activate("k2").refused(t, http.StatusPreconditionFailed, "precondition_failed")
}

func TestWhatIsNoPolicyIsRefusedWithItsPlaces(t *testing.T) { // docs/design.md 12, Versions
	w := newWorld(t, options{library: true})
	files := policies.Builtin().Files
	const at = "cordon/rules/granted/granted.rego"
	files[at] = strings.Replace(files[at], "grant if", "grant if if", 1)
	row := 1 + strings.Count(files[at][:strings.Index(files[at], "grant if if")], "\n")
	p := w.do(t, http.MethodPost, versions, client.PolicyPush{Message: "why", Files: files}, as("lena")).refused(t, http.StatusUnprocessableEntity, "policy_invalid")
	if len(p.Problems) == 0 || p.Problems[0].Path != at || p.Problems[0].Row != row || p.Problems[0].Col < 1 || p.Problems[0].Code == "" || p.Problems[0].Message == "" {
		t.Errorf("got %+v, want row %d of %s", p.Problems, row, at)
	}
	w.do(t, http.MethodGet, versions+"/"+(policies.Source{Files: files}).Digest(), nil).refused(t, http.StatusNotFound, "not_found")
	for name, body := range map[string]string{
		"up":       `{"message":"why","files":{"../cordon.rego":"package cordon"}}`,
		"absolute": `{"message":"why","files":{"/cordon.rego":"package cordon"}}`,
		"ending":   `{"message":"why","files":{"cordon/logo.png":"x"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			w.do(t, http.MethodPost, versions, body, as("lena")).refused(t, http.StatusUnprocessableEntity, "policy_invalid")
		})
	}
	for body, pointer := range map[string]string{
		`{"message":"why"}`:                               "/files",
		`{"message":"why","files":{}}`:                    "/files",
		`{"message":"why","files":{"a.rego":7}}`:          "/files/a.rego",
		`{"message":"why","files":{"a.rego":""},"who":1}`: "/who",
		`{"parent":"sha256:` + strings.Repeat("0", 64) + `","files":{"cordon/a.rego":"package a"}}`: "/parent",
	} {
		w.do(t, http.MethodPost, versions, body, as("lena")).pointer(t, pointer)
	}
}

func TestBodiesOfPoliciesMayBeLarger(t *testing.T) { // docs/design.md 12, Versions
	w := newWorld(t, options{library: true})
	large := strings.Repeat("# a comment\n", 20_000)
	files := policies.Builtin().Files
	files["cordon/a.rego"], files["cordon/b.rego"] = "package cordon\n"+large, "package cordon\n"+large // more than other bodies may have
	w.push(t, files)
	for i := range 10 {
		files["cordon/c"+strings.Repeat("c", i)+".rego"] = "package cordon\n" + large
	}
	w.do(t, http.MethodPost, versions, client.PolicyPush{Message: "why", Files: files}, as("lena")).refused(t, http.StatusRequestEntityTooLarge, "body_too_large")
	w.do(t, http.MethodPost, setPath+"/rollback", messageOf(strings.Repeat("x", 300<<10)), as("lena")).pointer(t, "/message")
}

func TestAVersionIsNamedByItsDigest(t *testing.T) {
	w := newWorld(t, options{library: true})
	unknown := "sha256:" + strings.Repeat("0", 64)
	w.do(t, http.MethodGet, versions+"/"+unknown, nil).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodGet, "/v1/policies/other", nil).refused(t, http.StatusNotFound, "not_found")
	for _, wrong := range []string{"sha256:", "sha256:0", strings.ToUpper(unknown), unknown + "0", "..", "%2e%2e%2f" + unknown} {
		if got := w.do(t, http.MethodGet, versions+"/"+wrong, nil); got.status != http.StatusBadRequest && got.status != http.StatusNotFound {
			t.Errorf("%s: got %d %s", wrong, got.status, got.body)
		}
	}
	w.do(t, http.MethodGet, versions+"/sha256:0", nil).refused(t, http.StatusBadRequest, "invalid_id")
}

func TestGatesThatStandOpenAreNamedWithWhoMayCloseThem(t *testing.T) { // docs/design.md 12, Gates
	w := newWorld(t, options{library: true})
	other := bearer(w.makeKey(t, guard.PutKey{Name: "otto's", Scopes: []string{guard.ScopeApprove}}))
	digest := w.push(t, draft("Europe/Zurich"))
	w.do(t, http.MethodPut, setPath+"/gates", `{"acknowledge_flips":false}`, as("root")).want(t, http.StatusOK)
	activate := func(edits ...edit) answer {
		return w.do(t, http.MethodPost, versions+"/"+digest+"/activate", client.PolicyActivation{Message: "go"}, append(edits, as("lena"))...)
	}
	p := activate(once("k1")).refused(t, http.StatusConflict, "gates_open")
	if len(p.Gates) != 1 || p.Gates[0].Name != "second_person" || p.Gates[0].Scope != guard.ScopeApprove || p.Gates[0].Detail == "" {
		t.Fatalf("got %+v", p.Gates)
	}
	if !slices.ContainsFunc(p.Gates[0].Keys, func(k client.KeyName) bool { return k.Name == "otto's" }) {
		t.Errorf("the gate may be closed by %+v", p.Gates[0].Keys)
	}
	var repeated client.Problem
	activate(once("k1")).want(t, http.StatusConflict).into(t, &repeated)
	if diff := cmp.Diff(p.Gates, repeated.Gates); diff != "" {
		t.Errorf("the repeat (-first +repeat):\n%s", diff)
	}
	var v client.PolicyVersion
	w.do(t, http.MethodGet, versions+"/"+digest, nil).want(t, http.StatusOK).into(t, &v)
	if !slices.ContainsFunc(v.Gates, func(g client.PolicyGate) bool { return g.Name == "second_person" }) {
		t.Errorf("the version shows %+v", v.Gates)
	}
	w.do(t, http.MethodPost, versions+"/"+digest+"/approve", messageOf("I"), as("otto")).refused(t, http.StatusConflict, "own_version") // by the author's key
	w.do(t, http.MethodPost, versions+"/"+digest+"/approve", messageOf("looked"), as("otto"), other).want(t, http.StatusOK).into(t, &v)
	if len(v.Approvals) != 1 || v.Approvals[0].By != "otto" || v.Approvals[0].Message != "looked" {
		t.Errorf("got %+v", v.Approvals)
	}
	activate().want(t, http.StatusOK)
}

func TestARepeatedActivationIsOne(t *testing.T) { // docs/design.md 11, Idempotency-Key
	w := newWorld(t, options{library: true})
	w.free(t)
	digest := w.push(t, draft("Europe/Zurich"))
	activate := func() answer {
		return w.do(t, http.MethodPost, versions+"/"+digest+"/activate", client.PolicyActivation{Message: "go"}, as("lena"), once("k1"))
	}
	first, second := activate().want(t, http.StatusOK), activate().want(t, http.StatusOK)
	if first.body != second.body || second.header.Get(client.HeaderReplayed) != "true" {
		t.Errorf("got %s, then %s", first.body, second.body)
	}
	back := func() answer {
		return w.do(t, http.MethodPost, setPath+"/rollback", messageOf("back"), as("lena"), once("k2"))
	}
	if first, second := back().want(t, http.StatusOK), back().want(t, http.StatusOK); first.body != second.body {
		t.Errorf("got %s, then %s", first.body, second.body)
	}
	if s, _ := w.policySet(t); s.Activation != 3 {
		t.Errorf("there were %d activations", s.Activation)
	}
}

// What is the same when it is repeated takes no idempotency key, and minds none.
func TestWhatIsTheSameAgainTakesNoIdempotencyKey(t *testing.T) { // docs/design.md 12, Two editors
	w := newWorld(t, options{library: true})
	other := bearer(w.makeKey(t, guard.PutKey{Name: "otto's", Scopes: []string{guard.ScopeApprove}}))
	var digest string
	for _, zone := range []string{"Europe/Zurich", "Europe/Paris"} { // by one key, which would refuse another body
		var pushed client.PolicyPushed
		push := client.PolicyPush{Files: draft(zone), Message: "go"}
		w.do(t, http.MethodPost, versions, push, as("lena"), once("k")).want(t, http.StatusCreated)
		w.do(t, http.MethodPost, versions, push, as("lena"), once("k")).want(t, http.StatusOK).into(t, &pushed)
		digest = pushed.Version.Digest
	}
	for _, why := range []string{"fine", "still fine"} {
		w.do(t, http.MethodPost, versions+"/"+digest+"/approve", messageOf(why), as("otto"), other, once("k")).want(t, http.StatusOK)
	}
	var v client.PolicyVersion
	w.do(t, http.MethodGet, versions+"/"+digest, nil).want(t, http.StatusOK).into(t, &v)
	if len(v.Approvals) != 1 || v.Approvals[0].Message != "still fine" {
		t.Errorf("got %+v", v.Approvals)
	}
}

func TestABrokenGlassLeavesAReview(t *testing.T) { // docs/design.md 12, Break-glass
	w := newWorld(t, options{library: true})
	other := bearer(w.makeKey(t, guard.PutKey{Name: "otto's", Scopes: []string{guard.ScopeApprove}}))
	digest := w.push(t, draft("Europe/Zurich"))
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	broken := client.PolicyActivation{BreakGlass: &client.BreakGlass{Reason: "customers are locked out", Until: until}}
	w.do(t, http.MethodPost, versions+"/"+digest+"/activate", broken, as("lena")).want(t, http.StatusOK)
	s, _ := w.policySet(t)
	if s.Active != digest || !s.Until.Equal(until) || s.Reason != "customers are locked out" || len(s.Reviews) != 1 || s.Reviews[0].By != "lena" || s.Reviews[0].Digest != digest {
		t.Fatalf("got %+v", s)
	}
	longer := client.PolicyActivation{BreakGlass: &client.BreakGlass{Reason: "still", Until: time.Now().Add(7 * 24 * time.Hour)}}
	w.do(t, http.MethodPost, versions+"/"+w.push(t, draft("Europe/Paris"))+"/activate", longer, as("lena")).refused(t, http.StatusConflict, "own_review")
	path := setPath + "/reviews/" + s.Reviews[0].ID + "/close"
	w.do(t, http.MethodPost, path, messageOf("fine"), as("otto")).refused(t, http.StatusConflict, "own_review")
	w.do(t, http.MethodPost, path, messageOf("fine"), as("otto"), other).want(t, http.StatusOK)
	w.do(t, http.MethodPost, path, messageOf("fine"), as("otto"), other).refused(t, http.StatusNotFound, "not_found")
	if s, _ := w.policySet(t); len(s.Reviews) != 0 {
		t.Errorf("got %+v", s.Reviews)
	}
}

func TestGatesAreReplacedAsAWhole(t *testing.T) { // docs/design.md 12, Gates
	w := newWorld(t, options{library: true})
	var s client.PolicySet
	w.do(t, http.MethodPut, setPath+"/gates", `{"second_person":true,"coverage":80,"invariants_free":["B3"],"acknowledge_flips":false,"diff_read":true}`, as("root")).
		want(t, http.StatusOK).into(t, &s)
	if g := s.Gates; g.SecondPerson == nil || !*g.SecondPerson || *g.Coverage != 80 || *g.AcknowledgeFlips || !g.DiffRead || len(g.InvariantsFree) != 1 {
		t.Errorf("got %+v", g)
	}
	s = client.PolicySet{}
	w.do(t, http.MethodPut, setPath+"/gates", `{}`, as("root")).want(t, http.StatusOK).into(t, &s)
	if g := s.Gates; g.SecondPerson != nil || *g.Coverage != 100 || !*g.AcknowledgeFlips || g.DiffRead || len(g.InvariantsFree) != 0 {
		t.Errorf("got %+v", g)
	}
	for body, pointer := range map[string]string{`{"coverage":101}`: "/coverage", `{"coverage":-1}`: "/coverage", `{"invariants_free":["a b"]}`: "/invariants_free/0"} {
		w.do(t, http.MethodPut, setPath+"/gates", body, as("root")).pointer(t, pointer)
	}
}

func TestAVersionIsABundleForAnyOPA(t *testing.T) { // docs/design.md 12, Versions
	w := newWorld(t, options{library: true})
	digest := policies.Builtin().Digest()
	got := w.do(t, http.MethodGet, versions+"/"+digest+"/bundle", nil).want(t, http.StatusOK)
	if got.header.Get("Content-Type") != "application/gzip" {
		t.Errorf("got Content-Type %s", got.header.Get("Content-Type"))
	}
	unpacked, err := gzip.NewReader(strings.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for archive := tar.NewReader(unpacked); ; {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(archive)
		names[strings.TrimPrefix(entry.Name, "/")] = string(text)
	}
	if !strings.Contains(names[".manifest"], digest) || names["cordon/cordon.rego"] == "" {
		t.Errorf("the bundle holds %d files, and says %s", len(names), names[".manifest"])
	}
}

func TestAServerWithoutALibraryHasNothingThere(t *testing.T) {
	newWorld(t).do(t, http.MethodGet, "/v1/policies", nil).refused(t, http.StatusNotFound, "not_found")
}

func TestWhatHasNothingToSayIsThereAllTheSame(t *testing.T) { // docs/design.md 12, Versions
	w := newWorld(t, options{library: true})
	tells := func(path string, body any, members ...string) map[string]any {
		t.Helper()
		method := http.MethodGet
		if body != nil {
			method = http.MethodPost
		}
		var told map[string]any
		w.do(t, method, path, body, as("lena")).into(t, &told)
		for _, member := range members {
			if _, there := told[member]; !there {
				t.Errorf("%s %s lacks %s: %v", method, path, member, told)
			}
		}
		return told
	}
	set := tells(setPath, nil, "set", "active", "activation", "previous", "since", "by", "message", "gates", "reviews")
	if shadow := tells(setPath+"/shadow", nil, "shadow", "policy", "sample", "asked", "same", "failed", "dropped", "seconds", "differences"); shadow["shadow"] != "" {
		t.Errorf("nothing is asked beside what is in force, and %v", shadow)
	}
	first := tells(setPath+"/activations", nil, "items")["items"].([]any)[0].(map[string]any)
	for _, member := range []string{"number", "digest", "previous", "how", "at", "by", "message"} {
		if _, there := first[member]; !there {
			t.Errorf("the first activation lacks %s: %v", member, first)
		}
	}
	if gates, is := set["gates"].(map[string]any); !is || len(gates) != 5 || gates["second_person"] != nil || gates["invariants_free"] == nil {
		t.Errorf("the gates are %v", set["gates"])
	}
	w.do(t, http.MethodPut, setPath+"/gates", client.PolicyGates{}, as("root")).want(t, http.StatusOK) // as the SDK sends it
	shipped := versions + "/" + policies.Builtin().Digest()
	version := tells(shipped, nil, "digest", "parent", "author", "message", "created_at", "state", "report", "approvals", "gates")
	if gates, is := version["gates"].([]any); !is || len(gates) != 0 || version["parent"] != "" {
		t.Errorf("got %v", version)
	}
	var begun struct{ Job map[string]any } // by nobody
	w.do(t, http.MethodPost, shipped+"/replay", map[string]any{}).want(t, http.StatusAccepted).into(t, &begun)
	started := begun.Job
	for _, member := range []string{"result", "by"} {
		if _, there := started[member]; !there {
			t.Errorf("a job that is not done lacks %s: %v", member, started)
		}
	}
	refused := tells(versions, client.PolicyPush{Message: "why", Files: map[string]string{"README.md": "x"}}, "problems")
	for _, problem := range refused["problems"].([]any) {
		if len(problem.(map[string]any)) != 5 {
			t.Errorf("got %v", problem)
		}
	}
}
