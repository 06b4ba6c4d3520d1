package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"cordon.example/client"
)

func TestAnAuditorAsksByTheSDK(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text := map[string]string{
			"/v1/audit/key":            "cordon/log+0a0b0c0d+AAAA\n",
			"/v1/audit/checkpoint":     "cordon/log\n1\nroot\n\n— cordon/log sig\n",
			"/v1/audit/tile/0/x001/67": "a tile",
		}[r.URL.Path]
		if text != "" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			fmt.Fprint(w, text)
			return
		}
		answer := map[string]string{
			"/v1/audit/inclusion?id=i":          `{"leaf_index":3,"tree_size":9,"hashes":["aa"],"checkpoint":"c"}`,
			"/v1/audit/consistency?from=3&to=9": `{"from":3,"to":9,"hashes":["bb"]}`,
			"/v1/audit/status?":                 `{"sealed":9,"check":{"records":4,"problem":"p"},"witness":{"place":"w","size":8}}`,
		}[r.URL.Path+"?"+r.URL.RawQuery]
		if answer == "" {
			w.Header().Set("Content-Type", client.ProblemType)
			w.WriteHeader(http.StatusNotFound)
			answer = `{"status":404,"code":"not_found"}`
		} else {
			w.Header().Set("Content-Type", "application/json")
		}
		fmt.Fprint(w, answer)
	})
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	key, err := c.AuditKey(ctx)
	ok(err)
	checkpoint, err := c.AuditCheckpoint(ctx)
	ok(err)
	tile, err := c.AuditTile(ctx, "tile/0/x001/67")
	ok(err)
	if key != "cordon/log+0a0b0c0d+AAAA" || checkpoint != "cordon/log\n1\nroot\n\n— cordon/log sig\n" || string(tile) != "a tile" {
		t.Errorf("got %q, %q and %q", key, checkpoint, tile)
	}
	inclusion, err := c.AuditInclusion(ctx, "i")
	ok(err)
	consistency, err := c.AuditConsistency(ctx, 3, 9)
	ok(err)
	status, err := c.AuditStatus(ctx)
	ok(err)
	got := []any{inclusion, consistency, status.Sealed, status.Check.Problem, *status.Witness}
	want := []any{
		client.Inclusion{LeafIndex: 3, TreeSize: 9, Hashes: []string{"aa"}, Checkpoint: "c"}, client.Consistency{From: 3, To: 9, Hashes: []string{"bb"}},
		int64(9), "p", client.AuditWitness{Place: "w", Size: 8},
	}
	if diff := diffOf(got, want); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
	if _, err = c.AuditTile(ctx, "tile/0/999"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("got %v, want %v", err, client.ErrNotFound)
	}
}
