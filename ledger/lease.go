package ledger

import (
	"context"
	"errors"
	"strings"
	"time"

	"cordon/datastore"
)

// leaseTime is how long a sealer that says nothing keeps its lease. It renews it with every look at what waits.
const leaseTime = 30 * time.Second

// mostBegun is more generations than a sealer can begin without one that it puts: it would fail for years.
const mostBegun = 1 << 24

// ErrOtherSeals is what a replica meets that would seal or prune while another one has the lease for it.
var ErrOtherSeals = errors.New("another replica has the lease to seal the log")

// lease says which replica seals. It keeps two from doing the same work. That it does no harm where two believe to
// have it (a process that was stopped for a minute, a clock that is wrong) is not due to it but to the epoch, which the
// head has too: see [Ledger.commit].
type lease struct {
	Holder string    `json:"holder"` // the replica, and what only this process knows
	Until  time.Time `json:"until"`
	Epoch  int64     `json:"epoch"`
}

// take takes the lease or renews it, and returns the head and the epoch under which it may be put.
//
// Who takes it from another fences that one off, and voids the generations that it may have begun: its files may come
// at any later time and are nothing.
func (l *Ledger) take(ctx context.Context) (h head, err error) {
	if !l.led.Load() {
		if _, err := l.head(ctx); err != nil { // one that is gone is not begun anew
			return head{}, err
		}
	}
	key, err := l.Key(ctx)
	if err != nil {
		return head{}, err
	}
	now := l.config.Now().UTC()
	err = l.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		var held lease
		if err := readNote(ctx, tx, leaseNote, &held); err != nil {
			return err
		}
		var err error
		if h, _, err = l.readHead(ctx, tx); err != nil {
			return err
		}
		mine := held.Holder == l.holder && held.Epoch == h.Epoch
		if !mine && now.Before(held.Until) && !l.replaces(held.Holder) {
			return ErrOtherSeals
		}
		if !mine {
			held.Holder, held.Epoch = l.holder, max(held.Epoch, h.Epoch)+1
			h.Epoch = held.Epoch
			h.advance(h.Generation + mostBegun + 1)
			h.Void = joined(h.Void, span{h.Generation, h.Generation})
			if err := putHead(ctx, tx, key, &h); err != nil {
				return err
			}
		}
		if mine && held.Until.Sub(now) > leaseTime*2/3 {
			return nil // it need not be written with every look
		}
		held.Until = now.Add(leaseTime)
		return putNote(ctx, tx, leaseNote, &held)
	})
	if err == nil {
		l.led.Store(true)
	}
	return h, err
}

// replaces tells whether a holder is this replica as it was before its process ended, which need not be waited for. It
// does so until this process has had the lease once: two that have one name by mistake are not to take it
// from each other for ever.
func (l *Ledger) replaces(holder string) bool {
	held := lease{Holder: holder}
	return !l.led.Load() && held.replica() == l.config.Replica
}

// replica returns the name of the replica that has it.
func (l *lease) replica() string {
	name, _, _ := strings.Cut(l.Holder, "/")
	return name
}

// release ends the lease, so that another replica need not wait.
func (l *Ledger) release(ctx context.Context) error {
	return l.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		var held lease
		if err := readNote(ctx, tx, leaseNote, &held); err != nil || held.Holder != l.holder {
			return err
		}
		held.Until = time.Time{}
		return putNote(ctx, tx, leaseNote, &held)
	})
}
