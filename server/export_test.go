package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"cordon.example/client"
	"cordon/guard"
)

// What the tests of the external package look at besides what callers see.

var (
	DecodeStrict   = decodeStrict
	ChooseLanguage = chooseLanguage
	ProblemOf      = func(err error) (client.Problem, int) { return problemOf(err), kindOf(err).retry }
	AtLeast        = atLeast
	Harmless       = harmless
	RequestID      = func(h http.Header, access bool) string { return requestID(h, access, time.Now()) }
	TraceID        = traceID
	ReadPath       = readPath
	ReadHost       = readHost
	CSVColumns     = newCSVRows().head()
)

// ReadHead reads the header of a token of an issuer that signs with ES256 alone.
func ReadHead(token string) error {
	t := &tokens{issuer: Issuer{Algorithms: []string{"ES256"}}}
	_, err := t.readHead(token)
	return err
}

// Kinds gives every row of the table of problems as an example of an error that it matches.
func Kinds() int { return len(kinds) }

// KindIndex gives the row that an error falls into, -1 for none.
func KindIndex(err error) int {
	for i := range kinds {
		if kinds[i].matches(err) {
			return i
		}
	}
	return -1
}

var (
	ErrHeader, ErrQuery, ErrID, ErrUnauthenticated, ErrScope = errHeader, errQuery, errID, errUnauthenticated, errScope
	ErrRoute, ErrMethod, ErrSlow, ErrTooLarge, ErrTooMany    = errRoute, errMethod, errSlow, errTooLarge, errTooMany
	ErrMediaType, ErrRate, ErrDraining                       = errMediaType, errRate, errDraining
	ErrUnready, ErrKeys, ErrNotEmbedded                      = errUnready, errKeys, errNotEmbedded
	ErrGateway, ErrCanonical, ErrNoRoute, ErrNotAllowed      = errGateway, errCanonical, errNoRoute, errNotAllowed
	Because                                                  = because
)

// Questions is what a body of /access/v1/evaluations asks, in a form that can be compared.
type Questions struct {
	Single   *guard.Question // without items
	Semantic guard.Semantic
	Items    []guard.BatchItem
}

// ScanQuestion is the fast reading; false: it gives up.
func ScanQuestion(body string) (guard.Question, bool) {
	var q guard.Question
	ok := scanQuestion(body, &q)
	return q, ok
}

// ReadQuestion is the general reading.
func ReadQuestion(body string) (guard.Question, error) {
	var q guard.Question
	a, err := readQuestion([]byte(body), false)
	if err == nil {
		err = a.question(&q)
	}
	return q, err
}

// ScanBatch is the fast reading of a batch; false: it gives up.
func ScanBatch(body string) (Questions, bool, error) {
	var b batch
	if !scanBatch(body, &b) {
		return Questions{}, false, nil
	}
	q, err := b.questions()
	return q, true, err
}

// ReadBatch is the general reading of a batch.
func ReadBatch(body string) (Questions, error) {
	b, err := readBatch([]byte(body), false)
	if err != nil {
		return Questions{}, err
	}
	return b.questions()
}

// ReadWhole is the reading of a question for a policy set.
func ReadWhole(body string) (guard.Question, error) {
	var q guard.Question
	a, err := readQuestion([]byte(body), true)
	if err == nil {
		err = a.whole(&q)
	}
	return q, err
}

// ReadData is the reading of {"input": ...} of a caller of Open Policy Agent.
func ReadData(body string) (guard.Question, error) {
	var q guard.Question
	a, err := readDataBody([]byte(body), true)
	if err == nil {
		err = a.whole(&q)
	}
	return q, err
}

// ReadSearch is the reading of a search.
func ReadSearch(body, find string) (guard.Search, error) {
	search := guard.Search{Find: find}
	read, err := readSearch([]byte(body), true)
	if err != nil {
		return search, err
	}
	search.Limit, search.Token = read.limit, read.token
	if err = read.search(&search); err != nil {
		return search, err
	}
	search.Asked, err = canonical([]byte(body), find)
	return search, err
}

func (b *batch) questions() (Questions, error) {
	q := Questions{Semantic: b.semantic}
	if err := b.checkDefaults(); err != nil {
		return q, err
	}
	if len(b.items) == 0 {
		q.Single = &guard.Question{}
		return q, b.question(q.Single)
	}
	q.Items = make([]guard.BatchItem, len(b.items))
	for i := range b.items {
		b.items[i].inherit(&b.asked)
		q.Items[i].Invalid = b.items[i].question(&q.Items[i].Question)
	}
	return q, nil
}

// Route is a row of the table of routes.
type Route struct {
	Method, Path string
	Query        []string
	Reads        bool // the log
	Changes      bool // something
	Person       bool // is needed
	Limit        time.Duration
}

// Routes gives the table of a server.
func (s *Server) Routes() []Route {
	list := make([]Route, len(s.table))
	for i, r := range s.table {
		list[i] = Route{Method: r.method, Path: r.path, Query: r.query, Reads: r.reads, Changes: r.changes, Person: r.needsActor, Limit: r.limit}
	}
	return list
}

// Drain makes the server unready, as the beginning of its end does.
func (s *Server) Drain() { s.draining.Store(true) }

// Deadline is the context of a call that begins now.
func Deadline(parent context.Context, limit time.Duration) (ctx context.Context, end func()) {
	d := &deadline{Context: parent, at: time.Now().Add(limit)}
	return d, d.end
}

// Prefixes reads networks.
func Prefixes(list ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(list))
	for i, text := range list {
		prefixes[i] = netip.MustParsePrefix(text)
	}
	return prefixes
}

// HTTPServer is the server that Run would listen with.
func (s *Server) HTTPServer() *http.Server { return s.httpServer() }

// HurryBodies has the time of a body be over when its head is there.
func (s *Server) HurryBodies() { s.bodyTime = -time.Second }

// KeepKeys keeps an issuer's keys until ctx is done; then the channel is closed.
func KeepKeys(ctx context.Context, issuer *Issuer) <-chan struct{} {
	done := make(chan struct{})
	if err := issuer.complete(); err != nil {
		panic(err)
	}
	keys := &jwks{issuer: issuer, now: time.Now, log: slog.New(slog.DiscardHandler)}
	go func() {
		keys.run(ctx)
		close(done)
	}()
	return done
}

// Patient gives a listener whose connections set their time limits seldom.
func Patient(l net.Listener) net.Listener { return patient{l} }

// WatchCertificates reads files and looks at them as a server does, until stop is called. The first
// function gives the name in the certificate that a connection would be shown.
func WatchCertificates(ctx context.Context, files *TLS) (shows func() string, stop func()) {
	c, err := newCertificates(files, slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		c.watch(ctx)
		close(done)
	}()
	shows = func() string { return c.current.Load().Certificates[0].Leaf.Subject.CommonName }
	return shows, func() { cancel(); <-done }
}
