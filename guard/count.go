package guard

import (
	"context"
	"time"

	"cordon/ledger"
	"cordon/ledger/record"
)

// Counts are how many records allowed and how many denied, by what they count for.
type Counts = ledger.Counts

// CountedBy returns what records are counted by.
func CountedBy() []string { return record.CountedBy() }

// countsLimit is for how long records are counted: what is not counted by then is left out, and said to be.
const countsLimit = 4 * time.Second

// Counts counts the records that a filter selects and the caller may see, as [Guard.Records] gives them; by one of
// [CountedBy]. The reading is on record. Errors: those of Records.
func (g *Guard) Counts(ctx context.Context, o *Origin, f RecordFilter, by string) (Counts, error) {
	reader := *o
	reader.how = "counts"
	all, err := g.admit(ctx, &reader, &f)
	if err != nil {
		return Counts{}, err
	}
	g.reading.Add(1)
	defer g.reading.Add(-1)
	limited, cancel := context.WithTimeout(ctx, countsLimit)
	defer cancel()
	if all {
		return g.ledger.Counts(limited, f, by)
	}
	return ledger.Count(limited, g.visible(limited, &reader, f), by)
}
