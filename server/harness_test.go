package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cordon.example/client"
	"cordon/datastore/sqlite"
	"cordon/guard"
	"cordon/ledger"
	"cordon/ledger/journal"
	"cordon/library"
	"cordon/policies"
	policyset "cordon/policies/set"
	"cordon/policies/table"
	"cordon/server"
)

// engine is compiled once: it is immutable and safe for concurrent use.
var engine = sync.OnceValues(func() (*policies.Engine, error) {
	return policies.Compile(context.Background(), policies.Builtin())
})

// world is a server on a real guard, a real journal and a real store in memory. Everything that is
// said to it and that it answers is held against openapi.yaml.
type world struct {
	server   *server.Server
	guard    *guard.Guard
	store    *faultyStore
	journal  *journal.Journal
	registry *prometheus.Registry
	log      *lockedBuffer
	key      string // of a caller with every scope
	web      *httptest.Server
	client   *http.Client
}

// options change a world before it starts.
type options struct {
	guard   func(*guard.Config)
	journal func(*journal.Config)
	server  func(*server.Config)
	open    bool // requests are not held against openapi.yaml
	library bool // there is one
}

func newWorld(t testing.TB, with ...options) *world {
	t.Helper()
	var o options
	if len(with) > 0 {
		o = with[0]
	}
	rules, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	inner, err := sqlite.Open(t.Context(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: &faultyStore{Store: inner}, registry: prometheus.NewRegistry(), log: &lockedBuffer{}}
	log := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	metrics, err := server.NewMetrics(w.registry)
	if err != nil {
		t.Fatal(err)
	}
	records := journal.Config{Dir: t.TempDir(), Ship: w.store.Ship, Log: log}
	if o.journal != nil {
		o.journal(&records)
	}
	if w.journal, err = journal.Open(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	config := guard.Config{Store: w.store, Engine: rules, Journal: w.journal, Log: log, Observe: metrics.Observer()}
	if o.guard != nil {
		o.guard(&config)
	}
	if w.guard, err = guard.New(config); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.guard.Run(ctx) }()
	for _, begun := w.guard.FeedLag(); !begun; _, begun = w.guard.FeedLag() { // before it is ready
		runtime.Gosched()
	}
	serving := server.Config{Guard: w.guard, Metrics: metrics, Log: log, Version: "test", PublicURL: "https://cordon.example"}
	if o.library {
		serving.Library = w.openLibrary(t, log)
	}
	if o.server != nil {
		o.server(&serving)
	}
	if w.server, err = server.New(serving); err != nil {
		t.Fatal(err)
	}
	w.web = httptest.NewServer(w.server.Handler())
	w.client = w.web.Client()
	if !o.open {
		w.client = &http.Client{Transport: newWitness(t, w.web.Client().Transport)}
	}
	w.key = w.makeKey(t, guard.PutKey{Name: "every scope", Scopes: guard.Scopes()})
	t.Cleanup(func() {
		w.web.Close()
		stop()
		<-done
		if err := w.journal.Close(context.Background()); err != nil && !w.store.broken() {
			t.Errorf("close journal: %v", err)
		}
		_ = inner.Close()
	})
	return w
}

// openLibrary makes the library of a world, with the shipped policy in force.
func (w *world) openLibrary(t testing.TB, log *slog.Logger) *library.Library {
	t.Helper()
	book, err := ledger.New(ledger.Config{Store: w.store})
	if err != nil {
		t.Fatal(err)
	}
	l, err := library.New(library.Config{
		Store: w.store, Guard: w.guard, Ledger: book, Shipped: policies.Builtin(), Release: "test", Log: log,
		Apart: glance{},
		Compare: func(_ context.Context, from, to *policies.Engine) (*table.Difference, error) {
			d := &table.Difference{From: from.Digest(), To: to.Digest()}
			if lacks(to.Source(), "flips") {
				d.Groups = []table.Group{{
					ID: "turned", Text: "a client: view, deny to allow", Where: []table.Condition{{Fact: "role", Is: []string{"client"}}},
					Resource: "product", Action: "view", From: table.AnswerDeny, To: table.AnswerAllow, Cells: 1,
					Example: table.Example{Question: "may a client view it", Input: json.RawMessage(`{}`), Command: "cordon policy evaluate"},
				}}
			}
			return d, nil
		},
	})
	if err == nil {
		err = l.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// glance looks at a policy no further than whether it is one, and finds that it lacks what its lacksFile says.
type glance struct{}

const lacksFile = "cordon/lacks.json"

// lacks tells whether a policy says that it lacks what a gate is about.
func lacks(src policies.Source, gate string) bool {
	return strings.Contains(src.Files[lacksFile], `"`+gate+`"`)
}

func (glance) Prove(_ context.Context, src policies.Source) (*table.Proof, error) {
	proof := &table.Proof{}
	for _, name := range table.Names() {
		proof.Invariants = append(proof.Invariants, table.Invariant{Name: name, Holds: name != "B1" || !lacks(src, "invariants")})
	}
	return proof, nil
}

func (glance) Try(ctx context.Context, src policies.Source, in *policies.Input, at time.Time) (*table.Tried, error) {
	engine, err := policies.Compile(ctx, src)
	if err != nil {
		return nil, err
	}
	return table.Try(ctx, engine, in, at)
}

func (glance) TrySet(ctx context.Context, name string, src policies.Source, input []byte) (*policyset.Tried, error) {
	in, err := policyset.ReadInput(input)
	if err != nil {
		return nil, err
	}
	engine, err := policyset.Compile(ctx, name, src)
	if err != nil {
		return nil, err
	}
	return engine.Try(ctx, in)
}

func (glance) CheckSet(ctx context.Context, name string, src policies.Source) (*policies.Report, error) {
	return policyset.Check(ctx, name, src)
}

func (glance) Check(ctx context.Context, src policies.Source) (*policies.Report, error) {
	r := &policies.Report{Digest: src.Digest(), Coverage: policies.Coverage{Percent: 100}, Budget: policies.Budget{Held: true}}
	if lacks(src, "tests") {
		r.Tests.Failed = 1
	}
	if lacks(src, "format") {
		r.Format = []policies.Unformatted{{Path: "cordon/cordon.rego"}}
	}
	if lacks(src, "coverage") {
		r.Coverage.Percent = 99.9
	}
	r.Budget.Held = !lacks(src, "budget")
	_, err := policies.Compile(ctx, src)
	if refused, is := errors.AsType[*policies.ProblemsError](err); is {
		r.Problems, err = refused.Problems, nil
	}
	return r, err
}

func (w *world) makeKey(t testing.TB, put guard.PutKey) string {
	t.Helper()
	all := &guard.Origin{Caller: &guard.Caller{ID: "test", Scopes: guard.Scopes()}}
	_, shown, err := w.guard.CreateKey(t.Context(), all, put)
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// scoped makes a key with some scopes.
func (w *world) scoped(t testing.TB, scopes ...string) edit {
	t.Helper()
	return bearer(w.makeKey(t, guard.PutKey{Name: "scoped", Scopes: scopes}))
}

// edit changes a request before it is sent.
type edit func(*http.Request)

func noKey(r *http.Request)       { r.Header.Del("Authorization") }
func bearer(token string) edit    { return set("Authorization", "Bearer "+token) }
func set(name, value string) edit { return func(r *http.Request) { r.Header[name] = []string{value} } }
func add(name, value string) edit {
	return func(r *http.Request) { r.Header[name] = append(r.Header[name], value) }
}
func as(user string) edit           { return set(client.HeaderActor, user) }
func agent(id string) edit          { return set(client.HeaderAgent, id) }
func once(key string) edit          { return set(client.HeaderIdempotencyKey, key) }
func atLeast(value string) edit     { return set(client.HeaderAtLeast, value) }
func without(name string) edit      { return func(r *http.Request) { delete(r.Header, name) } }
func contentType(value string) edit { return set("Content-Type", value) }

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request. A body that is a string is sent as it is, anything else as JSON.
func (w *world) do(t testing.TB, method, path string, body any, edits ...edit) answer {
	t.Helper()
	got, err := w.try(method, path, body, edits...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

func (w *world) try(method, path string, body any, edits ...edit) (answer, error) {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case io.Reader:
		reader = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, w.web.URL+path, reader)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+w.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, edit := range edits {
		edit(req)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: string(text)}, err
}

// want checks the status.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("got status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// refused checks that it is a problem with this status and code.
func (a answer) refused(t testing.TB, status int, code string) client.Problem {
	t.Helper()
	a.want(t, status)
	var p client.Problem
	a.into(t, &p)
	if p.Code != code || p.Status != status || p.RequestID != a.header.Get("X-Request-ID") {
		t.Errorf("got code %q status %d request %q, want %q %d %q: %s", p.Code, p.Status, p.RequestID, code, status, a.header.Get("X-Request-ID"), a.body)
	}
	if got := a.header.Get("Content-Type"); got != client.ProblemType {
		t.Errorf("got Content-Type %q, want %q", got, client.ProblemType)
	}
	if p.Title == "" || p.Detail == "" || p.Type == "" {
		t.Errorf("a problem that does not say all: %s", a.body)
	}
	if status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" {
		t.Error("a 503 without Retry-After")
	}
	return p
}

// denied checks that the rules refused it, for these reasons in this order.
func (a answer) denied(t testing.TB, reasons ...string) {
	t.Helper()
	p := a.refused(t, http.StatusForbidden, "denied")
	if got := codes(p.Reasons); got != strings.Join(reasons, " ") {
		t.Errorf("got reasons %q, want %q", got, reasons)
	}
	if p.DecisionID == "" || p.DecisionID != a.header.Get(client.HeaderDecisionID) || a.header.Get(client.HeaderPolicy) == "" {
		t.Errorf("a denial without its decision: %v %s", a.header, a.body)
	}
}

// pointer checks that it is a 400 about one member.
func (a answer) pointer(t testing.TB, pointer string) {
	t.Helper()
	p := a.refused(t, http.StatusBadRequest, "invalid_body")
	if len(p.Errors) == 0 || p.Errors[0].Pointer != pointer || p.Errors[0].Detail == "" {
		t.Errorf("got %v, want an error of %q", p.Errors, pointer)
	}
}

// into decodes the answer, which has to have no member that the type has not.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(a.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

func codes(reasons []client.Reason) string {
	list := make([]string, len(reasons))
	for i, r := range reasons {
		list[i] = r.Code
	}
	return strings.Join(list, " ")
}
