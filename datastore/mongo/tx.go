package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// errEnded is given by a transaction that is used after its function returned.
var errEnded = errors.New("the transaction has ended")

// tx is one attempt of a transaction.
type tx struct {
	reader
	session *driver.Session
	looks   bool // it only reads, and so takes no lock
	// id is written into every document that the attempt puts. A put thereby always changes the
	// document, and MongoDB sees the conflict of two transactions that read it and put it even where
	// one of them puts what is there already (it skips a write that changes nothing).
	id bson.ObjectID
	// owners are the organizations of products that the transaction has seen.
	owners map[string]string
	locks  lockSet
	// failed is the first error of the driver. The server has given up the transaction with it, so
	// nothing more is asked of it, and whatever fn makes of the error, the attempt has failed.
	failed error
	// conflict tells that the attempt failed in a way that another may not.
	conflict  bool
	committed bool // or so it may be
	begun     bool // the point in time that it reads at is fixed
	ended     bool
}

// run is one attempt. It ends the transaction however fn ends, by a panic too.
func (t *tx) run(ctx context.Context, want lockRequest, fn func(context.Context, *tx) error) error {
	t.locks.lockTable, t.locks.patience, t.locks.count = t.store.locks, t.store.timeout, t.store.counter.committed
	defer t.locks.releaseAll()
	if err := t.locks.take(ctx, want); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("begin a transaction: %w", ctx.Err())
	}
	err := t.session.StartTransaction(options.Transaction().
		SetReadConcern(readconcern.Snapshot()).
		SetWriteConcern(writeconcern.Majority()).
		SetReadPreference(readpref.Primary()))
	if err != nil {
		return t.fail("begin a transaction", err)
	}
	defer t.abort(ctx)
	err = fn(ctx, t)
	t.ended = true
	switch {
	case t.conflict:
		return t.failed
	case err != nil:
		return err
	case t.failed != nil:
		return t.failed
	case ctx.Err() != nil:
		return fmt.Errorf("commit: %w", ctx.Err())
	}
	return t.commit(ctx)
}

// commit asks until the outcome is known. That is not given up when ctx is done: the transaction may
// be committed already, and whoever asked for it should hear of it.
func (t *tx) commit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.store.timeout)
	defer cancel()
	t.committed = true
	for again := (backoff{pause: time.Millisecond, longest: 100 * time.Millisecond}); ; {
		err := t.session.CommitTransaction(ctx)
		if err == nil {
			t.locks.settle()
			return nil
		}
		if !labelled(err, unknownCommitResult) && !driver.IsTimeout(err) {
			return t.fail("commit", err)
		}
		t.locks.forget()
		if again.rest(ctx) != nil {
			return &failure{"commit, with unknown outcome", err}
		}
	}
}

// abort ends a transaction that was not committed, also one whose function panicked or whose context
// is done. A server that is gone is not waited for: it forgets the transaction by itself.
func (t *tx) abort(ctx context.Context) {
	t.ended = true
	if t.committed || !t.session.TransactionRunning() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(t.store.timeout, time.Second))
	defer cancel()
	_ = t.session.AbortTransaction(ctx)
}

// fail keeps the driver's error whole: its labels tell whether the transaction runs again.
func (t *tx) fail(doing string, err error) error {
	if err == nil {
		return nil
	}
	f := &failure{doing, err}
	if t.failed == nil {
		t.failed, t.conflict = f, conflicts(err)
	}
	return f
}
