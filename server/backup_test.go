package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/server"
)

func TestABackupIsForAdminsAloneAndOnRecord(t *testing.T) {
	var fail, breakOff error
	w := newWorld(t, options{server: func(c *server.Config) {
		c.Backup = func(_ context.Context, to io.Writer) error {
			if fail != nil {
				return fail
			}
			_, err := io.WriteString(to, strings.Repeat("an archive ", 100_000))
			return errors.Join(err, breakOff)
		}
	}})
	w.acme(t)
	const path = "/v1/backup"
	all := guard.Scopes()
	w.do(t, http.MethodPost, path, nil, w.scoped(t, "audit", "directory")).refused(t, http.StatusForbidden, "insufficient_scope")
	limited := w.makeKey(t, guard.PutKey{Name: "limited", Scopes: all, Organization: "acme"})
	w.do(t, http.MethodPost, path, nil, bearer(limited)).refused(t, http.StatusForbidden, "organization_limit")

	answer := w.do(t, http.MethodPost, path, nil, w.scoped(t, "admin")).want(t, http.StatusOK)
	if got := answer.header.Get("Content-Type"); got != "application/x-tar" || len(answer.body) != 11*100_000 {
		t.Errorf("got %d bytes of %q", len(answer.body), got)
	}
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	read := 0
	for r, err := range batch.Search(t.Context(), w.store, record.Filter{Action: "back_up", Kind: record.KindRead}) {
		if err != nil {
			t.Fatal(err)
		}
		if read++; r.Question.Resource.Type != "store" || r.Caller == "" {
			t.Errorf("the record is %+v", r)
		}
	}
	if read != 1 {
		t.Errorf("%d backups are on record, want 1", read)
	}

	// A failure that comes before anything is said; one in the midst breaks the answer off.
	fail = errors.New("no room on the disk")
	w.do(t, http.MethodPost, path, nil).refused(t, http.StatusInternalServerError, "internal")
	fail, breakOff = nil, errors.New("the disk")
	if answer, err := w.try(http.MethodPost, path, nil); err == nil {
		t.Errorf("what broke off was answered whole: %d bytes", len(answer.body))
	}
}

func TestAStoreThatIsSharedHasNoBackupHere(t *testing.T) {
	w := newWorld(t)
	p := w.do(t, http.MethodPost, "/v1/backup", nil).refused(t, http.StatusConflict, "not_embedded")
	if !strings.Contains(p.Detail, "mongodump") {
		t.Errorf("the detail does not say what to do: %s", p.Detail)
	}
}
