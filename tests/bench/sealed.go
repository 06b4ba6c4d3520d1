package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	recordbatch "cordon/ledger/batch"
)

// sealedAtOnce is after how many records they are sealed.
const sealedAtOnce = 500_000

// seal ships the records that the store does not have yet, and seals them. It returns how many they were, and how long
// the one and the other took.
func (p *past) seal(ctx context.Context, store datastore.Store, l *ledger.Ledger) (count int, shipping, sealing time.Duration, err error) {
	shipped := map[string]int64{}
	for _, replica := range replicas() {
		if shipped[replica], err = store.Ship(ctx, datastore.Batch{Replica: replica}); err != nil {
			return 0, 0, 0, err
		}
	}
	began := time.Now()
	for waiting, more := 0, true; more; {
		more = p.next()
		var counts [len(p.batches)]int
		_, err := together(len(p.batches), func(n int) ([]time.Duration, error) { // replicas do not wait for each other
			records := p.batches[n]
			if len(records) == 0 || records[len(records)-1].Sequence <= shipped[records[0].Replica] {
				return nil, nil
			}
			b, err := recordbatch.Pack(records)
			if err != nil {
				return nil, err
			}
			counts[n] = b.Count
			return nil, persist(ctx, func() error {
				last, err := store.Ship(ctx, b)
				if err == nil && last != b.LastSequence {
					err = fmt.Errorf("of %s there are records up to %d: the log that was kept is of another number of records", b.Replica, last)
				}
				return err
			})
		})
		if err != nil {
			return 0, 0, 0, err
		}
		waiting, count = waiting+counts[0]+counts[1], count+counts[0]+counts[1]
		if waiting < sealedAtOnce && more {
			continue
		}
		at := time.Now()
		if err := persist(ctx, func() error { return l.SealNow(ctx) }); err != nil {
			return 0, 0, 0, err
		}
		sealing += time.Since(at)
		fmt.Fprintf(os.Stderr, "%d of %d records are sealed\n", p.total-p.left, p.total)
		waiting = 0
	}
	return count, time.Since(began) - sealing, sealing, nil
}

// persist does again what a busy store did not do in time, as a server would.
func persist(ctx context.Context, do func() error) error {
	for {
		if err := do(); !errors.Is(err, datastore.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
	}
}
