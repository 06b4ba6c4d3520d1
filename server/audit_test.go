package server_test

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/guard"
	"cordon/ledger"
	"cordon/ledger/tree"
)

const auditPath = "/v1/audit"

// hashes reads those of an answer.
func hashes(t *testing.T, texts []string) (all []tree.Hash) {
	t.Helper()
	for _, text := range texts {
		var hash tree.Hash
		if err := hash.UnmarshalJSON([]byte(strconv.Quote(text))); err != nil {
			t.Fatal(err)
		}
		all = append(all, hash)
	}
	return all
}

// sealer is a ledger that seals what the world's server records, as that would after a minute.
func (w *world) seal(t *testing.T) {
	t.Helper()
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.New(ledger.Config{Store: w.store, Replica: "r"})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.SealNow(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAnAuditorChecksTheLogOverHTTP(t *testing.T) {
	w := newWorld(t, options{})
	w.acme(t)
	auditor := w.scoped(t, "audit")
	get := func(path string) answer {
		t.Helper()
		return w.do(t, http.MethodGet, auditPath+path, nil, auditor).want(t, http.StatusOK)
	}
	_, asked := w.ask(t, "carl", "manage", "product", "shop")
	id := asked.header.Get("Cordon-Decision-Id")
	line := bytes.TrimSpace([]byte(w.record(t, id).body))
	w.do(t, http.MethodGet, auditPath+"/inclusion?id="+id, nil, auditor).refused(t, http.StatusConflict, guard.CodeUnsealed)
	w.seal(t)

	key, err := tree.ParseVerifier(get("/key").body)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint := get("/checkpoint")
	if got := checkpoint.header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("a checkpoint is %s", got)
	}
	first, err := key.Open([]byte(checkpoint.body))
	if err != nil {
		t.Fatal(err)
	}

	var proof client.Inclusion
	get("/inclusion?id="+id).into(t, &proof)
	at, err := key.Open([]byte(proof.Checkpoint))
	if err != nil || at.N != proof.TreeSize {
		t.Fatalf("the proof is of %d records, its checkpoint of %d: %v", proof.TreeSize, at.N, err)
	}
	if i := bytes.Index(line, []byte(`,"reason_admin":`)); i >= 0 {
		line = append(line[:i], '}')
	}
	if err := tree.CheckInclusion(at, proof.LeafIndex, tree.Entry(line), hashes(t, proof.Hashes)); err != nil {
		t.Error(err)
	}

	w.ask(t, "carl", "manage", "product", "shop")
	w.seal(t)
	second, err := key.Open([]byte(get("/checkpoint").body))
	if err != nil || second.N <= first.N {
		t.Fatalf("from %d to %d records: %v", first.N, second.N, err)
	}
	var grown client.Consistency
	get("/consistency?from="+strconv.FormatInt(first.N, 10)+"&to="+strconv.FormatInt(second.N, 10)).into(t, &grown)
	if err := tree.CheckConsistency(first, second, hashes(t, grown.Hashes)); err != nil {
		t.Error(err)
	}

	tile := get("/tile/0/000.p/" + strconv.FormatInt(second.N, 10))
	if got := tile.header.Get("Content-Type"); got != "application/octet-stream" || len(tile.body) != int(32*second.N) {
		t.Errorf("a tile of %d records is %d bytes of %s", second.N, len(tile.body), got)
	}
	if bundle := get("/tile/entries/000.p/3"); len(bundle.body) != 3*34 {
		t.Errorf("a bundle of 3 entries has %d bytes", len(bundle.body))
	}

	var status client.AuditStatus
	get("/status").into(t, &status)
	if status.Sealed != second.N || status.Key != key.String() || len(status.Streams) == 0 || status.Witness != nil {
		t.Errorf("the status is %+v", status)
	}
}

func TestWhatAnAuditorCannotAskIsRefused(t *testing.T) {
	w := newWorld(t, options{})
	w.acme(t)
	w.seal(t)
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/inclusion":      {400, "invalid_query"},
		"/inclusion?id=":  {400, "invalid_query"},
		"/inclusion?id=x": {404, "not_found"},
		"/inclusion?id=01a20e9f-4c2a-7869-8c1b-be6525ddcd46": {404, "not_found"},
		"/consistency":                                {400, "invalid_query"},
		"/consistency?from=1":                         {400, "invalid_query"},
		"/consistency?from=2&to=1":                    {400, "invalid_query"},
		"/consistency?from=-1&to=1":                   {400, "invalid_query"},
		"/consistency?from=1&to=1000000":              {400, "invalid_query"},
		"/consistency?from=1&to=99999999999999999999": {400, "invalid_query"},
		"/tile/0/000":                                 {404, "not_found"},
		"/tile/0/000.p/0":                             {404, "not_found"},
		"/tile/9/x001/x234/x567/890":                  {404, "not_found"},
		"/tile/0/x001/x234/x567/x001/890":             {404, "not_found"},
		"/tile/0":                                     {404, "not_found"},
		"/tile/..%2f..%2f/000":                        {400, "invalid_id"},
		"/checkpoint?size=1":                          {400, "invalid_query"},
	} {
		w.do(t, http.MethodGet, auditPath+path, nil).refused(t, want.status, want.code)
	}
}

func TestTheAuditIsForWhoMayReadAllOfTheLog(t *testing.T) {
	w := newWorld(t, options{})
	w.acme(t)
	limited := w.makeKey(t, guard.PutKey{Name: "limited", Scopes: guard.Scopes(), Organization: "acme"})
	for _, path := range []string{"/key", "/checkpoint", "/inclusion?id=x", "/consistency?from=0&to=0", "/tile/0/000.p/1", "/status"} {
		w.do(t, http.MethodGet, auditPath+path, nil, w.scoped(t, "decide", "directory", "admin")).refused(t, http.StatusForbidden, "insufficient_scope")
		w.do(t, http.MethodGet, auditPath+path, nil, bearer(limited)).refused(t, http.StatusForbidden, "organization_limit")
		w.do(t, http.MethodGet, auditPath+path, nil, without("Authorization")).refused(t, http.StatusUnauthorized, "unauthenticated")
	}
}

// An empty log has a checkpoint, too, so that who keeps it knows from when on.
func TestAnEmptyLogHasACheckpoint(t *testing.T) {
	w := newWorld(t, options{})
	if got := w.do(t, http.MethodGet, auditPath+"/checkpoint", nil).want(t, http.StatusOK).body; !strings.HasPrefix(got, "cordon/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— cordon/log ") {
		t.Errorf("it is %s", got)
	}
}
