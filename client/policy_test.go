package client_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"cordon.example/client"
)

func TestAPolicyIsCheckedAgain(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Method + " " + r.URL.Path; got != "POST /v1/policies/cordon/versions/sha256:d/check" || r.Header.Get(client.HeaderActor) != "lena" {
			t.Errorf("got %s by %s", got, r.Header.Get(client.HeaderActor))
		}
		answer(w, 200, `{"problems":[],"tests":{"passed":3,"failed":1,"items":[]},"coverage":{"percent":99.5},"budget":{"held":true},"invariants":[{"name":"B1","holds":false,"cells":9,"broken":2}],"cells":91162}`)
	})
	report, err := c.As("lena").CheckPolicy(t.Context(), client.SetCordon, "sha256:d")
	if err != nil || report.Tests.Failed != 1 || report.Coverage.Percent != 99.5 || !report.Budget.Held || report.Invariants[0].Broken != 2 || report.Cells != 91162 {
		t.Errorf("got %+v, %v", report, err)
	}
}

// A bundle is a stream of any type; one that is not there is told as everything else is.
func TestABundleIsStreamed(t *testing.T) {
	there := true
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Method + " " + r.URL.Path + " " + r.Header.Get("Accept"); got != "GET /v1/policies/cordon/versions/sha256:d/bundle */*" {
			t.Errorf("got %s", got)
		}
		if !there {
			answer(w, 404, `{"status":404,"code":"not_found"}`)
			return
		}
		w.Header().Set("Content-Type", "application/gzip")
		w.Write([]byte{0x1f, 0x8b})
	})
	bundle, err := c.PolicyBundle(t.Context(), client.SetCordon, "sha256:d")
	if err != nil {
		t.Fatal(err)
	}
	defer bundle.Close()
	if got, err := io.ReadAll(bundle); err != nil || string(got) != "\x1f\x8b" {
		t.Errorf("got %x, %v", got, err)
	}
	there = false
	if _, err := c.PolicyBundle(t.Context(), client.SetCordon, "sha256:d"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
