package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cordon/ledger/tree"
	"cordon/ledger/witness"
)

// Witnessed is what a witness was shown, and what it said.
type Witnessed struct {
	Place   string    // empty: there is no witness
	Size    int64     // of the last checkpoint that it took
	At      time.Time // when it took one, or said that it has it; zero: not yet
	Problem string    // why it did not take the last one; empty: it did
}

// second is the witness of this process.
type second struct {
	mu      sync.Mutex
	witness witness.Witness
	state   Witnessed
}

// OpenWitness has each checkpoint shown to the witness at a place: a file, or a URL. It returns what closes it.
func (l *Ledger) OpenWitness(ctx context.Context, place string) (stop func() error, err error) {
	key, err := l.Key(ctx)
	if err != nil {
		return nil, err
	}
	w, err := witness.Open(witness.Config{
		Place: place, Key: key.Verifier(), Client: l.config.Client,
		Proof: func(ctx context.Context, from int64, at tree.Head) ([]tree.Hash, error) {
			return l.tree.Consistency(ctx, at, from, at.N)
		},
	})
	if err != nil {
		return nil, err
	}
	l.second.mu.Lock()
	defer l.second.mu.Unlock()
	l.second.witness, l.second.state.Place = w, w.String()
	return w.Close, nil
}

// Witnessed returns what the witness said last.
func (l *Ledger) Witnessed() Witnessed {
	l.second.mu.Lock()
	defer l.second.mu.Unlock()
	return l.second.state
}

// witnessTime is how long a witness may take to answer.
const witnessTime = 10 * time.Second

// show shows the witness a checkpoint. That it does not answer is no error: it is shown the next one, which says of all
// before it what they said. ErrChanged: it knows another log.
func (l *Ledger) show(ctx context.Context, checkpoint []byte) error {
	l.second.mu.Lock()
	w := l.second.witness
	l.second.mu.Unlock()
	if w == nil {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, witnessTime)
	defer cancel()
	s, err := tree.Sealed{Checkpoint: checkpoint}, error(nil)
	for range 3 { // another replica may have shown it more meanwhile
		err = w.Show(within, s.Checkpoint)
		if !errors.Is(err, witness.ErrOther) && !errors.Is(err, tree.ErrOvertaken) {
			break
		}
		now, _, signedErr := l.signed(ctx)
		if signedErr != nil {
			err = signedErr // whether it was shown what is committed now is not known
			break
		}
		if string(now.Checkpoint) == string(s.Checkpoint) {
			break
		}
		s = now
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l.witnessed(ctx, s.Checkpoint, err)
	if errors.Is(err, witness.ErrOther) {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return nil
}

// witnessed keeps what the witness said, and tells of it when it says something else than before.
func (l *Ledger) witnessed(ctx context.Context, checkpoint []byte, err error) {
	l.second.mu.Lock()
	defer l.second.mu.Unlock()
	state, before := &l.second.state, l.second.state.Problem
	if err != nil {
		if state.Problem = err.Error(); before == "" {
			l.config.Log.ErrorContext(ctx, "the witness did not take a checkpoint of the log", "witness", state.Place, "error", err)
		}
		return
	}
	state.At, state.Problem = l.config.Now(), ""
	if key, keyErr := l.Key(ctx); keyErr == nil { // it is kept: the checkpoint was signed with it
		if head, openErr := key.Open(checkpoint); openErr == nil {
			state.Size = head.N
		}
	}
	if before != "" {
		l.config.Log.InfoContext(ctx, "the witness takes checkpoints again", "witness", state.Place)
	}
}
