package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"cordon.example/client"
	"cordon/guard"

	"github.com/google/go-cmp/cmp"
)

// What is counted is what is listed, whatever it is counted by and whatever is asked for.
func TestTheLogIsCounted(t *testing.T) {
	w := newWorld(t)
	w.fillLog(t)
	keys := map[string]func(client.Record) []string{
		"action":       func(r client.Record) []string { return []string{r.Question.Action.Name} },
		"organization": func(r client.Record) []string { return []string{r.Organization} },
		"hour":         func(r client.Record) []string { return []string{r.Time.Truncate(time.Hour).Format(time.RFC3339)} },
		"reason": func(r client.Record) (codes []string) {
			for _, reason := range r.Reasons {
				codes = append(codes, reason.Code)
			}
			return codes
		},
	}
	for _, filter := range []string{"kind=decision", "kind=change", "organization=acme&decision=false&kind=decision", "text=leak", "subject=nobody"} {
		records := w.records(t, filter)
		for by, keysOf := range keys {
			want := map[string]client.RecordCount{}
			for _, r := range records {
				for _, key := range keysOf(r) {
					n := want[key]
					n.Key = key
					if r.Decision {
						n.Allowed++
					} else {
						n.Denied++
					}
					want[key] = n
				}
			}
			var got client.RecordCounts
			w.do(t, http.MethodGet, "/v1/decisions/counts?by="+by+"&"+filter, nil).want(t, http.StatusOK).into(t, &got)
			if !got.Complete || !got.Since.IsZero() {
				t.Errorf("%s by %s: it is not complete", filter, by)
			}
			counts := map[string]client.RecordCount{}
			for _, n := range got.Items {
				counts[n.Key] = n
			}
			if diff := cmp.Diff(counts, want); diff != "" {
				t.Errorf("%s by %s (got, want):\n%s", filter, by, diff)
			}
			if !slices.IsSortedFunc(got.Items, func(a, b client.RecordCount) int {
				return int(b.Allowed + b.Denied - a.Allowed - a.Denied)
			}) {
				t.Errorf("%s by %s: the most are not first: %v", filter, by, got.Items)
			}
		}
	}
	for _, query := range []string{"", "by=", "by=subject", "by=reason&by=hour", "by=reason&limit=3", "by=reason&kind=act"} {
		w.do(t, http.MethodGet, "/v1/decisions/counts?"+query, nil).refused(t, http.StatusBadRequest, "invalid_query")
	}
}

// Counting shows nobody more than reading does, and is on record.
func TestCountsAreOfWhatTheReaderMaySee(t *testing.T) {
	w := newWorld(t)
	w.fillLog(t)
	organizations := func(edits ...edit) (keys []string) {
		var got client.RecordCounts
		w.do(t, http.MethodGet, "/v1/decisions/counts?by=organization&kind=decision", nil, edits...).want(t, http.StatusOK).into(t, &got)
		for _, n := range got.Items {
			keys = append(keys, n.Key)
		}
		return keys
	}
	if got := organizations(as("anna")); !slices.Equal(got, []string{"acme"}) {
		t.Errorf("anna counts %v", got)
	}
	if got := organizations(as("clio")); len(got) != 0 {
		t.Errorf("clio counts %v", got)
	}
	w.do(t, http.MethodGet, "/v1/decisions/counts?by=hour", nil, w.scoped(t, guard.ScopeDecide)).refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodGet, "/v1/decisions/counts?by=hour&organization=acme", nil, as("clio")).refused(t, http.StatusForbidden, "denied")
	w.do(t, http.MethodGet, "/v1/decisions/counts?by=hour&subject=carl", nil, set("Cordon-Purpose", url.QueryEscape("how many"))).want(t, http.StatusOK)
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	const want = `{"filter":{"subject":"carl"},"how":"counts","purpose":"how+many"}`
	if !slices.ContainsFunc(w.records(t, "kind=read"), func(r client.Record) bool { return string(r.Details) == want }) {
		t.Error("the count is not on record")
	}
}
