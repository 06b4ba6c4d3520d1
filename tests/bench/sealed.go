package main

import (
	"context"
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
		for _, records := range p.batches {
			if len(records) == 0 || records[len(records)-1].Sequence <= shipped[records[0].Replica] {
				continue
			}
			b, err := recordbatch.Pack(records)
			if err != nil {
				return 0, 0, 0, err
			}
			if _, err := store.Ship(ctx, b); err != nil {
				return 0, 0, 0, err
			}
			waiting, count = waiting+b.Count, count+b.Count
		}
		if waiting < sealedAtOnce && more {
			continue
		}
		at := time.Now()
		if err := l.SealNow(ctx); err != nil {
			return 0, 0, 0, err
		}
		sealing += time.Since(at)
		fmt.Fprintf(os.Stderr, "%d of %d records are sealed\n", p.total-p.left, p.total)
		waiting = 0
	}
	return count, time.Since(began) - sealing, sealing, nil
}
