package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"cordon.example/client"
)

// searching is how many search the log at a time, each one search after the other without a pause.
const searching = 4

// runShare asks at a fixed rate while nobody reads the log, and while some search all of it, in turns: what the one
// costs the other, on each store that there is.
func runShare(ctx context.Context, dir string, p plan) error {
	w, err := makeWorld(ctx, dir, p.organizations, p.questions)
	if err != nil {
		return err
	}
	stores := map[string][]string{"the embedded store": nil}
	names := []string{"the embedded store"}
	if uri := os.Getenv("CORDON_TEST_MONGODB"); uri != "" {
		at, err := url.Parse(uri)
		if err != nil {
			return errors.New("CORDON_TEST_MONGODB is no URI")
		}
		at.Path = "/bench"
		names = append(names, "MongoDB")
		stores["MongoDB"] = []string{"--mongodb-uri", at.String()}
	}
	for i, name := range names {
		if err := shareOn(ctx, dir, fmt.Sprint("share-", i), name, stores[name], w, p); err != nil {
			return fmt.Errorf("on %s: %w", name, err)
		}
	}
	return nil
}

func shareOn(ctx context.Context, dir, folder, name string, flags []string, w *world, p plan) error {
	data, cordon := filepath.Join(dir, folder), filepath.Join(dir, "cordon")
	bearer, err := fill(ctx, cordon, data, flags...)
	if err != nil {
		return err
	}
	s, err := startCordon(ctx, dir, name, data, bearer, w, flags...)
	if s != nil {
		defer s.stop()
	}
	if err != nil {
		return err
	}
	if err := load(ctx, cordon, s, bearer, w); err != nil {
		return err
	}
	if err := errors.Join(s.decide(ctx, p), s.sealed(ctx)); err != nil {
		return err
	}
	quiet, beside := row{name: "nobody searches"}, row{name: fmt.Sprintf("%d search without end", searching)}
	searched := int64(0)
	began := time.Duration(0)
	for round := range p.rounds {
		fmt.Fprintf(os.Stderr, "share, round %d of %d: %s\n", round+1, p.rounds, name)
		m, err := measureOpen(ctx, s, p)
		if err != nil {
			return err
		}
		quiet.measured = append(quiet.measured, m)
		end := s.search(ctx, bearer, w)
		at := time.Now()
		m, err = measureOpen(ctx, s, p)
		began += time.Since(at)
		searched += end()
		if err != nil {
			return err
		}
		beside.measured = append(beside.measured, m)
	}
	report(os.Stdout, fmt.Sprintf("%d questions a second on %s, %d records in the log", p.rate, name, p.records), []row{beside, quiet})
	fmt.Printf("\np99 beside the searches is %.2f times that without; %.1f searches a second were answered\n",
		float64(beside.p99())/float64(quiet.p99()), float64(searched)/began.Seconds())
	return nil
}

// decide has so many decisions put on record as the plan says, batch by batch.
func (s *server) decide(ctx context.Context, p plan) error {
	fmt.Fprintf(os.Stderr, "putting %d decisions on record\n", p.records)
	var asked atomic.Int64
	_, err := together(4, func(n int) ([]time.Duration, error) {
		c, err := dial(ctx, s.address)
		if err != nil {
			return nil, err
		}
		defer func() { _ = c.conn.Close() }()
		for i := n; asked.Add(batchSize) <= int64(p.records) && ctx.Err() == nil; i++ {
			if _, err := c.ask(s.batches[i%len(s.batches)]); err != nil {
				return nil, err
			}
		}
		return nil, ctx.Err()
	})
	return err
}

// sealed waits until there is no more to seal than what has just come.
func (s *server) sealed(ctx context.Context) error {
	fmt.Fprintln(os.Stderr, "waiting until they are sealed")
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	none := regexp.MustCompile(`(?m)^cordon_log_unsealed_records 0$`)
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.metrics+"/metrics", nil)
		if err != nil {
			return fmt.Errorf("ask for the figures: %w", err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return fmt.Errorf("ask for the figures: %w", err)
		}
		figures, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || none.Match(figures) {
			return err
		}
		<-time.After(time.Second)
	}
}

// page reads the first of what a filter selects.
func page(ctx context.Context, c *client.Client, filter client.RecordFilter) error {
	const many = 50
	given := 0
	for _, err := range c.Records(ctx, filter, many) {
		if given++; err != nil || given == many {
			return err
		}
	}
	return nil
}

// search begins to search. Ended, it gives how many searches were answered.
func (s *server) search(ctx context.Context, bearer string, w *world) (end func() int64) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	var answered atomic.Int64
	for n := range searching {
		all.Go(func() {
			c, err := client.New(client.Config{URL: "http://" + s.address, Key: bearer, Tries: 1, Timeout: 20 * time.Second})
			for i := n; err == nil && ctx.Err() == nil; i++ {
				q := w.questions[i%len(w.questions)]
				filter := []client.RecordFilter{
					{Subject: fmt.Sprint("nobody-", i)}, {Resource: q.Resource.ID}, {Kind: "change"}, {Subject: q.Subject.ID, Action: "unblock"},
				}[i%4]
				if page(ctx, c, filter) == nil {
					answered.Add(1)
				}
			}
		})
	}
	return func() int64 {
		cancel()
		all.Wait()
		return answered.Load()
	}
}
