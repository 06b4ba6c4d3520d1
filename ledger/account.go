package ledger

import (
	"cmp"
	"context"
	"errors"
	"time"

	"cordon/ledger/record"
)

// Account is what an auditor is told of the log as a whole.
type Account struct {
	Key        string // the verifier key
	Checkpoint []byte
	Sealed     int64
	Unsealed   int64
	Streams    []Stream
	Gaps       int64 // how many gaps were sealed
	Missing    int64 // how many records are missing in them
	Newest     []Gap // of the gaps the newest, up to 100
	Check      Checked
	Witness    Witnessed
}

// Gap is numbers of a stream whose records are lost. Record says so for ever.
type Gap struct {
	Record, Stream string
	From, To       int64
	Time           time.Time
}

// mostGaps is how many gaps an account names.
const mostGaps = 100

// Account returns what there is to tell. That the log is not what was signed is no error, but told in it, as far as
// there is anything to tell.
func (l *Ledger) Account(ctx context.Context) (Account, error) {
	s, h, err := l.signed(ctx)
	a := Account{Checkpoint: s.Checkpoint, Sealed: h.Size, Gaps: h.Gaps, Missing: h.Missing, Check: l.Checked(), Witness: l.Witnessed()}
	if errors.Is(err, ErrChanged) {
		a.Check.Problem = cmp.Or(a.Check.Problem, err.Error())
		return a, nil
	}
	if err != nil {
		return Account{}, err
	}
	a.Key = s.Key.Verifier().String()
	if a.Streams, err = l.streams(ctx, &h); err != nil {
		return Account{}, err
	}
	for _, stream := range a.Streams {
		a.Unsealed += max(stream.Last-stream.Sealed, 0)
	}
	if h.Gaps == 0 {
		return a, nil
	}
	for r, err := range l.Search(ctx, record.Filter{Kind: record.KindGap, Limit: mostGaps}) {
		if err != nil {
			return Account{}, err
		}
		gap := Gap{Record: r.ID, Stream: r.Replica, Time: r.Time}
		gap.From, gap.To, _ = r.Gap()
		a.Newest = append(a.Newest, gap)
	}
	return a, nil
}
