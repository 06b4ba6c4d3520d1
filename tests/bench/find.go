package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/datastore/sqlite"
	"cordon/ledger"
	"cordon/ledger/record"
)

// pageSize is how many records a page has.
const pageSize = 50

// readings is a store that counts what is read of its files.
type readings struct {
	datastore.Store
	bytes atomic.Int64
}

func (r *readings) ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error) {
	data, err := r.Store.ReadFile(ctx, name, offset, length)
	r.bytes.Add(int64(len(data)))
	return data, err
}

// runFind seals a log of a company at a million decisions a day, and looks for pages in it: by each filter that there
// is, and by each pair of them, once for what a record in the middle of the log has, and once for what no record has
// together. It does so in each store that there is.
func runFind(ctx context.Context, dir string, p plan) error {
	data := filepath.Join(dir, "find")
	if p.data != "" {
		data = p.data
	}
	store, err := sqlite.Open(ctx, sqlite.Config{Path: data})
	if err != nil {
		return err
	}
	if err := findOn(ctx, "the embedded store", store, data, p); err != nil {
		return err
	}
	uri := os.Getenv("CORDON_TEST_MONGODB")
	if uri == "" {
		return nil
	}
	database := "find" // it goes with the server where tests/with-mongodb started that
	if p.data == "" {
		database += "_" + rand.Text()[:10]
	}
	inMongoDB, err := mongo.Open(ctx, mongo.Config{URI: uri, Database: database})
	if err != nil {
		return err
	}
	return findOn(ctx, "MongoDB", inMongoDB, "", p)
}

// findOn does it in one store, and closes that. A folder that has what the store keeps is measured.
func findOn(ctx context.Context, name string, store datastore.Store, folder string, p plan) error {
	defer func() { _ = store.Close() }()
	made := newPast(p.records)
	l, err := ledger.New(ledger.Config{Store: store, Replica: "bench"})
	if err != nil {
		return err
	}
	count, shipping, sealing, err := made.seal(ctx, store, l)
	if err != nil {
		return fmt.Errorf("make the log in %s: %w", name, err)
	}
	size, err := stored(ctx, store, folder)
	if err != nil {
		return err
	}
	fmt.Printf("\n### Finding among %d records in %s\n\n", p.records, name)
	if count > 0 {
		fmt.Printf("Shipped %.0f records/s, sealed %.0f records/s. ", float64(count)/shipping.Seconds(), float64(count)/sealing.Seconds())
	}
	fmt.Printf("Bytes a record: %s.\n\n", size(p.records))
	return p.find(ctx, store, made)
}

// stored tells what the log takes, by the kinds of files and all in all.
func stored(ctx context.Context, store datastore.Store, folder string) (func(records int) string, error) {
	kinds := map[string]int64{}
	for f, err := range store.Files(ctx, "", "") {
		if err != nil {
			return nil, err
		}
		kind := filepath.Ext(f.Name)
		if kind == "" || filepath.Dir(f.Name) == "segment/group" {
			kind = filepath.Dir(f.Name)[:min(4, len(filepath.Dir(f.Name)))]
		}
		kinds[kind] += f.Size
	}
	var entries []os.DirEntry
	if folder != "" {
		var err error
		if entries, err = os.ReadDir(folder); err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			kinds["on disk"] += info.Size()
		}
	}
	return func(records int) string {
		text := ""
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			text += fmt.Sprintf(" %s %.1f", kind, float64(kinds[kind])/float64(records))
		}
		return text[min(1, len(text)):]
	}, nil
}

// found is what a filter's page took, in the rounds.
type found struct {
	name  string
	count int
	read  int64 // bytes, by the first of them
	took  []time.Duration
	work  time.Duration // of the processors on a page, but for the first; what the store's own server does is not in it
}

func (f *found) at(share float64) time.Duration {
	slices.Sort(f.took)
	return f.took[int(float64(len(f.took)-1)*share)]
}

// find measures pages and prints tables: of each filter, and of the pairs that took longest.
func (p plan) find(ctx context.Context, store datastore.Store, made *past) error {
	counted := &readings{Store: store}
	l, err := ledger.New(ledger.Config{Store: counted, Replica: "bench"})
	if err != nil {
		return err
	}
	var single, pairs, apart []*found
	names := slices.DeleteFunc(fieldNames(), func(name string) bool { return made.ask(name, false) == nil })
	for i, a := range names {
		for _, b := range names[i:] {
			if err := ctx.Err(); err != nil {
				return err
			}
			var f record.Filter
			made.ask(a, false)(&f)
			made.ask(b, false)(&f)
			into, name := &pairs, a+" and "+b
			if a == b {
				into, name = &single, a
			}
			page, err := p.pages(ctx, l, counted, name, f)
			if err != nil {
				return err
			}
			*into = append(*into, page)
			if a == b {
				continue
			}
			f = record.Filter{}
			made.ask(a, false)(&f)
			made.ask(b, true)(&f)
			if page, err = p.pages(ctx, l, counted, name, f); err != nil {
				return err
			}
			apart = append(apart, page)
		}
	}
	printFound("One filter", single, len(single))
	printFound("Two filters, of one record: those that took longest", pairs, 12)
	printFound("Two filters, of two records: those that took longest", apart, 12)
	return nil
}

func fieldNames() []string {
	var names []string
	for _, field := range record.Fields() {
		names = append(names, field.Name)
	}
	return names
}

// pages asks for one page again and again.
func (p plan) pages(ctx context.Context, l *ledger.Ledger, counted *readings, name string, f record.Filter) (*found, error) {
	f.Limit = pageSize
	page := &found{name: name}
	before := counted.bytes.Load()
	worked := time.Duration(0)
	for round := range 2 + 2*p.rounds {
		began := time.Now()
		page.count = 0
		for _, err := range l.Search(ctx, f) {
			if err != nil {
				return nil, fmt.Errorf("search by %s: %w", name, err)
			}
			page.count++
		}
		if round == 0 {
			page.read = counted.bytes.Load() - before
			worked = processorTime()
			continue
		}
		page.took = append(page.took, time.Since(began))
	}
	page.work = (processorTime() - worked) / time.Duration(len(page.took))
	return page, nil
}

func printFound(title string, all []*found, most int) {
	slices.SortStableFunc(all, func(a, b *found) int { return int(b.at(0.5) - a.at(0.5)) })
	var took []time.Duration
	for _, f := range all {
		took = append(took, f.took...)
	}
	every := found{took: took}
	fmt.Printf("\n%s (%d; of all pages the median %s, p99 %s)\n\n", title, len(all), inMilliseconds(every.at(0.5)), inMilliseconds(every.at(0.99)))
	fmt.Println("| filter | found | median | p99 | processor | read at first |\n| --- | --- | --- | --- | --- | --- |")
	for _, f := range all[:min(most, len(all))] {
		fmt.Printf("| %s | %d | %s | %s | %s | %d KiB |\n", f.name, f.count, inMilliseconds(f.at(0.5)), inMilliseconds(f.at(0.99)),
			inMilliseconds(f.work), f.read>>10)
	}
}

// processorTime is what this program has taken of the processors. On a machine that is shared it says more than a clock.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func inMilliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }
