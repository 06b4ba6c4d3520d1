package guard

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"cordon/datastore"
	"cordon/guard/past"
)

// ImportLine is one line of an import: one of its nouns is set, or Refused by whoever decoded it.
type ImportLine struct {
	Line         int
	Organization *PutOrganization
	Member       *PutMember
	Product      *PutProduct
	In           string // the organization of a member or product
	ID           string
	Refused      *Refusal
	Size         int // in bytes, as far as it is kept
}

// Refusal says why a line was not taken; all of it was left out.
type Refusal struct {
	Line   int
	Code   string
	Detail string
}

func (r *Refusal) Error() string { return fmt.Sprintf("line %d: %s", r.Line, r.Detail) }

// longestDetail bounds what a refusal says, in bytes: it may quote the line.
const longestDetail = 300

// refused makes a refusal, whose detail is bounded.
func (l *ImportLine) refused(code, detail string) *Refusal {
	if len(detail) > longestDetail {
		detail = strings.ToValidUTF8(detail[:longestDetail], "") + "..."
	}
	return &Refusal{Line: l.Line, Code: code, Detail: detail}
}

// ImportReport counts what an import took.
type ImportReport struct {
	Organizations, Users, Products, Grants int
	Refused                                []Refusal
	// StoppedAtLine is the line of the last refusal that an import bears: what came before it was looked at,
	// and what of that was taken stays; nothing after it was. 0: the import went to its end.
	StoppedAtLine int
}

// What an import holds at once, and bears.
const (
	importLines  = 500     // in one transaction
	importBytes  = 4 << 20 // of lines in one transaction
	mostRefusals = 1000    // then it stops (docs/design.md 10)
)

// Import takes a directory in as the host's provisioning (docs/design.md 4): all of a line or nothing of
// it, lines in the order in which they come, so that a line may rest on earlier ones. What stands
// already as the line says is counted and changes nothing, so a broken-off import can be repeated.
// Lines are taken in transactions of some hundred; each organization that one changes gains one
// revision and one record, beside which each line that changes a user or product, and each that R4 and R5
// refuse, has a record of its own. The 1,000th refusal ends the import, and so does an error of lines or of the store;
// what was taken until then stays, and the report says it.
func (g *Guard) Import(ctx context.Context, o *Origin, lines iter.Seq2[ImportLine, error]) (ImportReport, error) {
	var report ImportReport
	pending, size := make([]ImportLine, 0, importLines), 0
	for line, err := range lines {
		if err != nil {
			return report, err
		}
		pending, size = append(pending, line), size+line.Size
		if len(pending) < importLines && size < importBytes {
			continue
		}
		if err := g.importSome(ctx, o, pending, &report); err != nil || report.StoppedAtLine > 0 {
			return report, err
		}
		clear(pending) // what the lines held
		pending, size = pending[:0], 0
	}
	return report, g.importSome(ctx, o, pending, &report)
}

// importSome takes lines in one transaction.
func (g *Guard) importSome(ctx context.Context, o *Origin, lines []ImportLine, report *ImportReport) error {
	var batch *importBatch
	policy, careful := g.policy.Load(), false
	for {
		err := g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
			batch = &importBatch{g: g, policy: policy, tx: tx, origin: o, careful: careful, models: map[string]*importModel{}, former: map[string]int64{}}
			for i := range lines {
				if err := batch.take(ctx, &lines[i]); err != nil {
					return err
				}
				if len(report.Refused)+len(batch.report.Refused) == mostRefusals {
					batch.report.StoppedAtLine = lines[i].Line
					break
				}
			}
			return batch.commit(ctx)
		})
		// A product id that another organization has shows when it is put. That is rare, so only then
		// is each id looked up to name the line.
		if errors.Is(err, datastore.ErrTaken) && !careful {
			careful = true
			continue
		}
		if other, is := errors.AsType[*otherPolicy](err); is {
			if policy, err = g.policyOf(ctx, other.activation); err == nil {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		break
	}
	for _, change := range batch.changes {
		g.cache.advance(change)
	}
	g.wake()
	report.Organizations += batch.report.Organizations
	report.Users += batch.report.Users
	report.Products += batch.report.Products
	report.Grants += batch.report.Grants
	report.Refused = append(report.Refused, batch.report.Refused...)
	report.StoppedAtLine = batch.report.StoppedAtLine
	return nil
}

// importBatch is one transaction of an import.
type importBatch struct {
	g       *Guard
	policy  *policy
	tx      datastore.Tx
	origin  *Origin
	careful bool
	models  map[string]*importModel
	former  map[string]int64 // the last revisions of organizations that were deleted
	order   []datastore.Noun
	changes []datastore.Change
	denied  []*attempt // changes of roles that the rules refused
	report  ImportReport
}

// importModel is an organization as it is with the lines taken so far.
type importModel struct {
	organization datastore.Organization
	members      map[string]datastore.Member
	products     map[string]datastore.Product
	fresh        bool // made by this batch
	took         ImportReport
	changed      bool
	made         []Changed  // what was not there before
	lines        []*attempt // changes of what stood before the line
}

// model gives an organization, read whole at its first line of the batch; nil without one.
func (b *importBatch) model(ctx context.Context, id string) (*importModel, error) {
	if m, ok := b.models[id]; ok {
		return m, nil
	}
	facts, err := b.tx.Facts(ctx, datastore.Key{Organization: id, Set: policySet})
	if in := &facts.Activation; (err == nil || errors.Is(err, datastore.ErrNotFound)) && !b.policy.decides(in) {
		return nil, &otherPolicy{*in}
	}
	if errors.Is(err, datastore.ErrNotFound) {
		b.former[id] = facts.Organization.Revision
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read organization: %w", err)
	}
	m := &importModel{organization: facts.Organization, members: map[string]datastore.Member{}, products: map[string]datastore.Product{}}
	for member, err := range datastore.List(ctx, b.tx, datastore.Member{Organization: id}, Page{}) {
		if err != nil {
			return nil, fmt.Errorf("read members: %w", err)
		}
		m.members[member.ID] = member
	}
	for product, err := range datastore.List(ctx, b.tx, datastore.Product{Organization: id}, Page{}) {
		if err != nil {
			return nil, fmt.Errorf("read products: %w", err)
		}
		m.products[product.ID] = product
	}
	b.models[id] = m
	return m, nil
}

// commit puts what the lines changed, with one revision and one record for each organization, one for
// each line that changed what stood, and one for each change of a role that was refused.
func (b *importBatch) commit(ctx context.Context) error {
	if err := b.tx.Put(ctx, b.order...); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(b.models)) {
		m := b.models[id]
		if !m.changed {
			continue
		}
		a := b.g.newAttempt(b.policy, b.g.now(), b.origin, id, "import", Entity{Type: "organization", ID: id})
		a.facts.Organization = m.organization
		if m.fresh {
			a.change = datastore.Change{Organization: id, Revision: m.organization.Revision}
			a.result.Revision = m.organization.Revision
		}
		a.details["organizations"], a.details["users"] = m.took.Organizations, m.took.Users
		a.details["products"], a.details["grants"] = m.took.Products, m.took.Grants
		a.changes, a.details[past.Complete] = m.made, true
		if err := b.g.commitChange(ctx, b.tx, a, nil); err != nil {
			return err
		}
		b.changes = append(b.changes, a.change)
		for _, line := range m.lines {
			line.silent, line.result.Revision = true, a.result.Revision // it is that of the whole
			if err := b.g.commitChange(ctx, b.tx, line, nil); err != nil {
				return err
			}
		}
	}
	for _, role := range b.denied {
		if err := b.g.commitChange(ctx, b.tx, role, &Denied{Answer: role.result.Answer}); err != nil {
			return err
		}
	}
	return nil
}
