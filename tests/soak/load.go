package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cordon.example/client"

	"github.com/google/uuid"
)

// How many ask, change and search at a time.
const (
	askers    = 12
	changers  = 2
	searchers = 2
)

// place is a product and who of its organization may change it.
type place struct{ organization, owner, product string }

// world is what is asked about.
type world struct {
	products []place
	users    map[string][]string // by organization
}

// readWorld reads the lines of a directory.
func readWorld(lines string) (*world, error) {
	w := &world{users: map[string][]string{}}
	owners := map[string]string{}
	scanner := bufio.NewScanner(strings.NewReader(lines))
	for scanner.Scan() {
		var line client.ImportLine
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("read the directory: %w", err)
		}
		switch {
		case line.Organization != nil:
			owners[line.Organization.ID] = line.Organization.LegalRepresentative.ID
			w.users[line.Organization.ID] = append(w.users[line.Organization.ID], owners[line.Organization.ID])
		case line.User != nil:
			w.users[line.User.Organization] = append(w.users[line.User.Organization], line.User.ID)
		case line.Product != nil:
			w.products = append(w.products, place{line.Product.Organization, owners[line.Product.Organization], line.Product.ID})
		}
	}
	return w, scanner.Err()
}

// answers are what the callers of a round were told.
type answers struct {
	from      time.Time // before the first question
	ids       map[uuid.UUID]bool
	decisions int64
	changes   int64
	searches  int64
	failed    int64 // questions and changes that were sent and not answered: they may be on record, or not
	refused   int64 // of these, those that were answered 503
	why       string
	conflicts int64 // and changes that conflicted with what an unanswered one had done: they are on record
	wrong     error
}

// tally is the sum of all rounds.
type tally struct {
	decisions, changes, searches, failed, kills int64
	loaded                                      time.Duration
}

func (t *tally) add(a *answers) {
	t.decisions += a.decisions
	t.changes += a.changes
	t.searches += a.searches
	t.failed += a.failed
	t.loaded += time.Since(a.from)
	t.kills++
}

// load is what goes on during a round.
type load struct {
	from                                                     time.Time
	decisions, changes, searches, failed, conflicts, refused atomic.Int64
	why                                                      atomic.Pointer[string] // of the first that was refused

	end  context.CancelFunc
	all  sync.WaitGroup
	mu   sync.Mutex
	ids  map[uuid.UUID]bool
	errs []error
}

// quick is a client that keeps a connection for each caller.
func quick() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 256}}
}

// load begins to ask, change and search.
func (s *soak) load(ctx context.Context) *load {
	l := &load{from: time.Now().Truncate(time.Millisecond), ids: map[uuid.UUID]bool{}}
	ctx, l.end = context.WithCancel(ctx)
	c := s.client()
	for range askers {
		l.begin(func() []uuid.UUID { return l.ask(ctx, c, s.world) })
	}
	for n := range changers {
		l.begin(func() []uuid.UUID { return l.change(ctx, c, s.world.products[n*len(s.world.products)/changers]) })
	}
	for range searchers {
		l.begin(func() []uuid.UUID { l.search(ctx, c, s.world); return nil })
	}
	return l
}

// begin does something until it ends, and keeps the ids that it was told.
func (l *load) begin(do func() []uuid.UUID) {
	l.all.Go(func() {
		told := do()
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, id := range told {
			l.ids[id] = true
		}
	})
}

// stop ends the load, each caller behind its answer, and gives what they were told.
func (l *load) stop() *answers {
	l.end()
	l.all.Wait()
	a := &answers{from: l.from, ids: l.ids, decisions: l.decisions.Load(), changes: l.changes.Load(), searches: l.searches.Load(),
		failed: l.failed.Load(), refused: l.refused.Load(), conflicts: l.conflicts.Load(), wrong: errors.Join(l.errs...)}
	if why := l.why.Load(); why != nil {
		a.why = *why
	}
	return a
}

// told reads the id of a record that a caller was told of.
func (l *load) told(id string, ids []uuid.UUID) []uuid.UUID {
	parsed, err := uuid.Parse(id)
	if err != nil {
		l.complain(fmt.Errorf("an answer's id is %q: %w", id, err))
		return ids
	}
	return append(ids, parsed)
}

func (l *load) complain(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errs) < 5 {
		l.errs = append(l.errs, err)
	}
}

// away looks at what was no answer. A server or a database that is away gives none, and a change may conflict with what
// an unanswered one did; anything else is wrong. It waits a moment, so that nobody spins.
func (l *load) away(ctx context.Context, err error) {
	l.failed.Add(1)
	var problem *client.Error
	if errors.As(err, &problem) {
		switch problem.Problem.Status {
		case http.StatusServiceUnavailable:
			l.refused.Add(1)
			l.why.CompareAndSwap(nil, &problem.Problem.Detail)
		case http.StatusConflict:
			l.conflicts.Add(1)
		default:
			l.complain(err)
		}
	}
	pause(ctx, 10*time.Millisecond)
}

// ask asks one question after the other until ctx is done. A question that was begun is waited for.
func (l *load) ask(ctx context.Context, c *client.Client, w *world) (ids []uuid.UUID) {
	random := rand.New(rand.NewPCG(rand.Uint64(), 1)) //nolint:gosec // it is no secret
	for ctx.Err() == nil {
		p := w.products[random.IntN(len(w.products))]
		users := w.users[p.organization]
		d, err := c.Decide(context.WithoutCancel(ctx), client.EvaluationRequest{
			Subject:  client.Subject{Type: "user", ID: users[random.IntN(len(users))]},
			Action:   client.Action{Name: "manage"},
			Resource: client.Resource{Type: "product", ID: p.product},
		})
		if err != nil {
			l.away(ctx, err)
			continue
		}
		l.decisions.Add(1)
		ids = l.told(d.ID, ids)
	}
	return ids
}

// change blocks and unblocks a product.
func (l *load) change(ctx context.Context, c *client.Client, p place) (ids []uuid.UUID) {
	acting := c.As(p.owner)
	for block := true; ctx.Err() == nil; block = !block {
		act := acting.UnblockProduct
		if block {
			act = acting.BlockProduct
		}
		done, err := act(context.WithoutCancel(ctx), p.organization, p.product, client.BlockRequest{Reason: "soak"})
		if err != nil {
			l.away(ctx, err)
			continue
		}
		l.changes.Add(1)
		ids = l.told(done.DecisionID, ids)
	}
	return ids
}

// search reads a page by one filter after the other, and now and then exports what one selects.
func (l *load) search(ctx context.Context, c *client.Client, w *world) {
	no := false
	for n := 0; ctx.Err() == nil; n++ {
		p := w.products[n%len(w.products)]
		filter := []client.RecordFilter{
			{Organization: p.organization}, {Kind: "change"}, {Resource: p.product}, {Subject: p.owner}, {Decision: &no}, {Action: "block"},
		}[n%6]
		var err error
		if n%7 == 6 {
			err = whole(context.WithoutCancel(ctx), c, filter)
		} else {
			err = page(context.WithoutCancel(ctx), c, filter)
		}
		if err != nil {
			pause(ctx, 10*time.Millisecond)
			continue
		}
		l.searches.Add(1)
	}
}

// page reads the newest that a filter selects.
func page(ctx context.Context, c *client.Client, filter client.RecordFilter) error {
	const most = 50
	count := 0
	for _, err := range c.Records(ctx, filter, most) {
		if count++; err != nil || count == most {
			return err
		}
	}
	return nil
}

// whole exports all that a filter selects.
func whole(ctx context.Context, c *client.Client, filter client.RecordFilter) error {
	body, err := c.ExportRecords(ctx, filter, client.FormatCSV)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, body)
	return errors.Join(err, body.Close())
}
