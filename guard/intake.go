package guard

import (
	"context"
	"errors"
	"io"

	"cordon/ledger/opa"
	"cordon/ledger/record"
)

// Taken is what became of the decisions that an agent reported.
type Taken = opa.Taken

// EventsTooLarge says what of an agent's report is too large to be taken at once.
type EventsTooLarge = opa.TooLargeError

// ErrEventsUnderWay: another replica is about to take some of the events.
var ErrEventsUnderWay = opa.ErrUnderWay

// TakeEvents puts decisions on record that an agent of Open Policy Agent made and reports as its decision log tells
// them, each once, however often it reports them ([opa.Intake.Take]). They are the caller's word: no rule of ours was
// asked, and their records name no policy of ours. They are of the organization that the caller is limited to, if any.
// *Invalid, *EventsTooLarge: they cannot be read, and none is on record.
func (g *Guard) TakeEvents(ctx context.Context, o *Origin, events io.Reader) (Taken, error) {
	taken, err := g.intake.Take(ctx, events, func(r *record.Record) {
		r.Caller, r.Actor, r.Agent, r.Organization = o.Caller.ID, o.Actor, o.Agent, o.Caller.Organization
	})
	if malformed, ok := errors.AsType[*opa.MalformedError](err); ok {
		return Taken{}, &Invalid{Errors: []FieldError{{Pointer: malformed.Pointer, Detail: malformed.Detail}}}
	}
	return taken, err
}

// AppendEvent appends a record in the shape of OPA's decision log: what an agent reported as it was reported, and what
// is ours as OPA would tell it ([opa.AppendEvent]).
func AppendEvent(dst []byte, r *Record) []byte { return opa.AppendEvent(dst, r) }
