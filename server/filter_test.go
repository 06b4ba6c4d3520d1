package server_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"

	"cordon/ledger/record"
)

// The SDK is a module of its own, so its filter is a list of its own: this holds it against the one of the log.
func TestAFilterAsksForEveryMemberOfTheLog(t *testing.T) {
	var filter client.RecordFilter
	for member, value := range reflect.ValueOf(&filter).Elem().Fields() {
		switch value.Interface().(type) {
		case string:
			value.SetString("change")
			if member.Name == "Origin" {
				value.SetString("support")
			}
		case int64:
			value.SetInt(7)
		case *bool:
			value.Set(reflect.ValueOf(new(false)))
		case time.Time:
			value.Set(reflect.ValueOf(time.Date(2026, 1, 31, 12, 0, 0, 5000, time.UTC)))
		default:
			t.Errorf("%s is a %s, of which the client knows nothing", member.Name, member.Type)
		}
	}
	var asked, known []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		query.Del("limit")
		asked = slices.Sorted(maps.Keys(query))
		for name := range query {
			if !new(record.Filter).Set(name, query.Get(name)) {
				t.Errorf("%s=%s selects nothing", name, query.Get(name))
			}
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"items":[],"next_cursor":""}`)
	}))
	defer web.Close()
	c, err := client.New(client.Config{URL: web.URL, Key: "ck_test_secret", Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range c.Records(t.Context(), filter, 0) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, field := range record.Fields() {
		known = append(known, field.Name)
	}
	slices.Sort(known)
	if diff := cmp.Diff(asked, known); diff != "" {
		t.Errorf("asked, known:\n%s", diff)
	}
}
