package server_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon.example/client"
	"cordon/guard"
	"cordon/ledger"
)

// followed is a stream that is read by the SDK, which comes again by itself.
type followed struct {
	t    *testing.T
	next func() (client.Followed, error, bool)
	last client.Followed
}

func (w *world) follow(t *testing.T, key string, filter client.RecordFilter, cursor string, change ...func(*client.Config)) *followed {
	t.Helper()
	config := client.Config{URL: w.web.URL, Key: key}
	for _, c := range change {
		c(&config)
	}
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	next, stop := iter.Pull2(c.FollowRecords(ctx, filter, cursor))
	t.Cleanup(func() { cancel(); stop() })
	return &followed{t: t, next: next}
}

// one waits for the next record.
func (f *followed) one() client.Record {
	f.t.Helper()
	next, err, more := f.next()
	if err != nil || !more {
		f.t.Fatalf("the stream ended: %v", err)
	}
	f.last = next
	return next.Record
}

// ids waits for some records.
func (f *followed) ids(count int) (ids []string) {
	f.t.Helper()
	for range count {
		ids = append(ids, f.one().ID)
	}
	return ids
}

// decideSome asks questions, and returns the ids of their records.
func (w *world) decideSome(t *testing.T, count int) (ids []string) {
	t.Helper()
	for range count {
		_, got := w.ask(t, "carl", "manage", "product", "shop")
		ids = append(ids, got.header.Get(client.HeaderDecisionID))
	}
	return ids
}

func TestDecisionsAreStreamedAsTheyCome(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	decisions := client.RecordFilter{Kind: client.RecordDecision}
	past := w.decideSome(t, 2)
	since := client.RecordFilter{Kind: client.RecordDecision, From: time.Now().Add(-time.Hour)}
	all := w.follow(t, w.key, since, "")
	if got := all.ids(2); !slices.Equal(got, past) {
		t.Fatalf("from an hour ago: got %v, want %v", got, past)
	}
	// A stream from now on begins with its first answer, so it is there when its reading is on record.
	live := w.stream(t, "kind=decision", "")
	first := w.decideSome(t, 3)
	if got := live.ids(t, 3); !slices.Equal(got, first) {
		t.Errorf("got %v, want %v", got, first)
	}
	if got := all.ids(3); !slices.Equal(got, first) {
		t.Errorf("the other stream: got %v, want %v", got, first)
	}
	// Whoever comes again goes on where they were.
	again := w.follow(t, w.key, decisions, all.last.Cursor)
	behind := w.follow(t, w.key, decisions, live.cursors[0])
	more := w.decideSome(t, 2)
	if got := again.ids(2); !slices.Equal(got, more) {
		t.Errorf("again: got %v, want %v", got, more)
	}
	if got, want := behind.ids(4), slices.Concat(first[1:], more); !slices.Equal(got, want) {
		t.Errorf("from before: got %v, want %v", got, want)
	}
	if !slices.ContainsFunc(w.records(t, "kind=read"), func(r client.Record) bool {
		return string(r.Details) == `{"filter":{"kind":"decision"},"how":"stream"}`
	}) {
		t.Error("the stream is not on record")
	}
}

// eventStream is a stream as it comes over the line.
type eventStream struct {
	answer  *http.Response
	lines   *bufio.Reader
	cursors []string
}

func (w *world) stream(t *testing.T, query, cursor string, edits ...edit) *eventStream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.web.URL+"/v1/decisions/stream?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.key)
	if cursor != "" {
		req.Header.Set("Last-Event-ID", cursor)
	}
	for _, edit := range edits {
		edit(req)
	}
	res, err := w.web.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if got := res.Header.Get("Content-Type"); res.StatusCode == http.StatusOK && got != "text/event-stream" {
		t.Fatalf("got Content-Type %q", got)
	}
	return &eventStream{answer: res, lines: bufio.NewReader(res.Body)}
}

// event reads up to the next record; io.EOF: the stream has ended.
func (e *eventStream) event() (data string, err error) {
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			return "", err
		}
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			e.cursors = append(e.cursors, strings.TrimSuffix(id, "\n"))
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			return data, nil
		}
	}
}

func (e *eventStream) ids(t *testing.T, count int) (ids []string) {
	t.Helper()
	e.cursors = e.cursors[:0]
	for range count {
		data, err := e.event()
		if err != nil {
			t.Fatal(err)
		}
		var r client.Record
		answer{body: data}.into(t, &r)
		ids = append(ids, r.ID)
	}
	e.cursors = e.cursors[max(0, len(e.cursors)-count):]
	return ids
}

func TestAStreamIsRefused(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	beyond := ledger.Position{Leaf: 7}
	// Of another log, or of this one before an older store was restored, is the last.
	for _, cursor := range []string{"x", "01a22847-14f6-73f9-815e-905ecb26d153", beyond.String()} {
		w.do(t, http.MethodGet, "/v1/decisions/stream", nil, set("Last-Event-Id", cursor)).refused(t, http.StatusBadRequest, "invalid_header")
	}
	for _, query := range []string{"limit=3", "order=oldest", "cursor=x", "kind=act"} {
		w.do(t, http.MethodGet, "/v1/decisions/stream?"+query, nil).refused(t, http.StatusBadRequest, "invalid_query")
	}
	w.do(t, http.MethodGet, "/v1/decisions/stream", nil, w.scoped(t, guard.ScopeDecide)).refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodGet, "/v1/decisions/stream?organization=acme", nil, as("clio")).refused(t, http.StatusForbidden, "denied")
	var open []*eventStream
	for range 8 {
		open = append(open, w.stream(t, "", ""))
	}
	w.do(t, http.MethodGet, "/v1/decisions/stream", nil).refused(t, http.StatusTooManyRequests, "too_many_streams")
	if got := w.stream(t, "", "", w.scoped(t, guard.ScopeAudit)).answer.StatusCode; got != http.StatusOK {
		t.Errorf("another caller: got %d", got)
	}
	for _, e := range open {
		_ = e.answer.Body.Close()
	}
	for w.stream(t, "", "").answer.StatusCode != http.StatusOK { // the server notices soon
		runtime.Gosched()
	}
}

// A key that is revoked reads nothing more, and a reader sees no more of a stream than of a page.
func TestAStreamShowsWhatItsReaderMaySee(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	all := &guard.Origin{Caller: &guard.Caller{ID: "test", Scopes: guard.Scopes()}}
	key, shown, err := w.guard.CreateKey(t.Context(), all, guard.PutKey{Name: "auditor", Scopes: []string{guard.ScopeAudit}, Organization: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	limited := w.stream(t, "kind=decision", "", bearer(shown))
	member := w.stream(t, "kind=decision", "", as("anna"))
	w.ask(t, "ulf", "manage", "product", "dark")
	want := w.decideSome(t, 1)
	if got := limited.ids(t, 1); !slices.Equal(got, want) {
		t.Errorf("a limited key: got %v, want %v", got, want)
	}
	if got := member.ids(t, 1); !slices.Equal(got, want) {
		t.Errorf("a member: got %v, want %v", got, want)
	}
	if err := w.guard.RevokeKey(t.Context(), all, key.ID); err != nil {
		t.Fatal(err)
	}
	if data, err := limited.event(); !errors.Is(err, io.EOF) {
		t.Errorf("after the key was revoked: got %q, %v", data, err)
	}
}

// Who is not let see an organization any more is told so, and their stream ends.
func TestAStreamEndsWithTheRightToSeeIt(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	path := "/v1/organizations/acme/users/boris"
	admin := client.UserBody{Name: "Boris", Email: "boris@acme.example", Role: client.RoleAdministrator}
	w.do(t, http.MethodPut, path, admin).want(t, http.StatusCreated)
	named, open := w.stream(t, "kind=decision&organization=acme", "", as("boris")), w.stream(t, "kind=decision", "", as("boris"))
	want := w.decideSome(t, 1)
	if got := named.ids(t, 1); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := open.ids(t, 1); !slices.Equal(got, want) {
		t.Errorf("of all: got %v, want %v", got, want)
	}
	admin.Role = client.RoleCollaborator
	w.do(t, http.MethodPut, path, admin).want(t, http.StatusOK)
	for {
		data, err := named.event()
		if err != nil {
			break
		}
		if strings.Contains(data, `"subject":{"type":"user","id":"carl"`) {
			t.Fatalf("got %s", data)
		}
	}
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var page client.List[client.Record]
	w.do(t, http.MethodGet, "/v1/decisions?action=view_decisions&kind=decision&subject=boris", nil).want(t, http.StatusOK).into(t, &page)
	if len(page.Items) == 0 || len(page.Items) > 2 { // the other stream may have noticed, too
		t.Errorf("that the right is gone is on record %d times, want once for each stream that noticed", len(page.Items))
	}
	w.do(t, http.MethodGet, "/v1/decisions/stream?kind=decision&organization=acme", nil, as("boris")).refused(t, http.StatusForbidden, "denied")
}
