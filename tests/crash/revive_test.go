package crash_test

import (
	"errors"
	"path/filepath"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

// TestWhatARestoreRevives: all that docs/operations.md says comes back with an older store does, and what was added
// since is gone, so that whoever restores knows what to do again.
func TestWhatARestoreRevives(t *testing.T) { // docs/operations.md
	place := program.Embedded(t)
	key := program.FirstKey(t, place)
	s := program.Serve(t, place, key)
	directory(t, s)
	c, lena := s.Client(nil), s.Client(nil).As("lena")
	if _, err := c.PutUser(t.Context(), "acme", "mia", client.UserBody{Name: "Mia", Email: "mia@example.org", Role: "client", Grants: []string{"p0"}}); err != nil {
		t.Fatal(err)
	}
	revoked, err := c.CreateKey(t.Context(), client.KeyRequest{Name: "revoked since", Scopes: []string{"decide"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lena.BlockProduct(t.Context(), "acme", "p1", client.BlockRequest{Reason: "lifted since"}); err != nil {
		t.Fatal(err)
	}
	code, err := lena.CreateSupportCode(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "backup")
	backUp(t, s, dir)

	// Each of these is undone by the restore.
	block := client.BlockUserRequest{Justification: "a story that is long enough", SupportCode: code.Code}
	if _, err := c.AsAgent("sam").BlockUser(t.Context(), "acme", "mia", block); err != nil {
		t.Fatal(err)
	}
	if err := c.RevokeKey(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := lena.UnblockProduct(t.Context(), "acme", "p1", client.BlockRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteUser(t.Context(), "acme", "mia"); err != nil {
		t.Fatal(err)
	}
	before, err := lena.BlockProduct(t.Context(), "acme", "p2", client.BlockRequest{Reason: "set since"})
	if err != nil {
		t.Fatal(err)
	}
	newKey, err := c.CreateKey(t.Context(), client.KeyRequest{Name: "made since", Scopes: []string{"decide"}})
	if err != nil {
		t.Fatal(err)
	}
	lost, err := c.Decide(t.Context(), client.EvaluationRequest{Subject: client.Subject{Type: "user", ID: "lena"},
		Action: client.Action{Name: "manage"}, Resource: client.Resource{Type: "product", ID: "p3"}})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, s, newAnswered(0))
	s.Kill()

	s = program.Serve(t, restoreTo(t, s, dir), key)
	c = s.Client(nil)
	with := func(k string) error {
		_, err := s.Client(func(config *client.Config) { config.Key = k }).Can(t.Context(), "lena", "manage", client.OnProduct("p0"))
		return err
	}
	if err := with(revoked.Key); err != nil {
		t.Errorf("a key that was revoked since: %v, want it to be good again", err)
	}
	if err := with(newKey.Key); !errors.Is(err, client.ErrUnauthorized) {
		t.Errorf("a key that was made since: %v, want it to be unknown", err)
	}
	if p, err := c.Product(t.Context(), "p1"); err != nil || !p.Blocked {
		t.Errorf("a block that was lifted since: %+v, %v, want it to be back", p, err)
	}
	p, err := c.Product(t.Context(), "p2")
	if err != nil || p.Blocked {
		t.Errorf("a block that was set since: %+v, %v, want it to be gone", p, err)
	}
	if p.Revision >= before.Revision {
		t.Errorf("the revision is %d, want one before %d", p.Revision, before.Revision)
	}
	if can, err := c.Can(t.Context(), "mia", "manage", client.OnProduct("p0")); err != nil || !can {
		t.Errorf("a grant that was taken away since: %t, %v, want it to be back", can, err)
	}
	if _, err := c.AsAgent("sam").BlockUser(t.Context(), "acme", "mia", block); err != nil {
		t.Errorf("a support code that was used since: %v, want it to be good again", err)
	}
	if _, err := c.Record(t.Context(), lost.ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("a decision since: %v, want it to be gone", err)
	}
}
