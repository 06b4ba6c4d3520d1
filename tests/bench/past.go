package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"cordon/ledger/record"

	"github.com/google/uuid"
)

// past makes the log of a company: a thousand organizations, a few large and most of them small, on two replicas, a
// million records a day.
type past struct {
	random  *rand.Rand
	at      time.Time
	left    int
	total   int
	batches [2][]record.Record // of some seconds, by replica
	last    [2]int64           // sequences

	some, another *record.Record // what is looked for: of the middle of the log, and of before it
}

const perDay = 1_000_000

func replicas() []string { return []string{"replica-1", "replica-2"} }

func newPast(records int) *past {
	return &past{
		random: rand.New(rand.NewPCG(1, 2)), left: records, total: records,
		at: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
}

// next makes the records of the next seconds; there are none left where it reports false.
func (p *past) next() bool {
	const seconds = 4 * time.Second
	for i := range p.batches {
		p.batches[i] = p.batches[i][:0]
	}
	if p.left == 0 {
		return false
	}
	const count = perDay * int(seconds/time.Second) / 86400
	for i := range min(count, p.left) {
		replica := p.random.IntN(2)
		p.last[replica]++
		r := p.record(p.at.Add(seconds / time.Duration(count) * time.Duration(i)))
		r.Replica, r.Sequence = replicas()[replica], p.last[replica]
		p.batches[replica] = append(p.batches[replica], r)
		p.left--
		// What is looked for has all that a record can have, but for what only acts have.
		switch full := r.Agent != "" && r.TraceID != "" && r.Batch != "" && r.Actor != ""; {
		case full && p.another == nil && p.left < p.total*3/4:
			p.another = &r
		case full && p.some == nil && p.left < p.total/2 && r.Organization != p.another.Organization:
			p.some = &r
		}
	}
	p.at = p.at.Add(seconds)
	return true
}

// few picks one of so many, the first ones much more often than the last.
func (p *past) few(n int) int {
	u := p.random.Float64()
	return min(int(float64(n)*u*u*u), n-1)
}

func (p *past) record(at time.Time) record.Record {
	organization := p.few(1000)
	subject, resource := p.few(33), p.few(50)
	id := fmt.Sprintf("organization-%04d", organization)
	r := record.Record{
		ID: p.id(at), Time: at, Kind: record.KindDecision, Caller: fmt.Sprintf("key-%d", p.few(20)),
		Question: record.Question{
			Subject:  record.Entity{Type: "user", ID: fmt.Sprintf("user-%04d-%02d", organization, subject)},
			Action:   record.Action{Name: p.action()},
			Resource: record.Entity{Type: "product", ID: fmt.Sprintf("product-%04d-%02d", organization, resource)},
		},
		Policy: fmt.Sprintf("sha256:%064x", at.Day()/4), Organization: id, Revision: int64(p.few(500) + 1),
		DurationUS: int64(10 + p.few(200)), RequestID: p.id(at),
	}
	if p.random.IntN(10) < 3 {
		r.TraceID = fmt.Sprintf("%016x%016x", p.random.Uint64(), p.random.Uint64())
	}
	if p.random.IntN(20) == 0 {
		r.Agent = fmt.Sprintf("agent-%d", p.few(40))
	}
	if p.random.IntN(10) == 0 {
		r.Actor = fmt.Sprintf("user-%04d-%02d", organization, p.few(33))
		r.Batch = fmt.Sprintf("batch-%d", at.UnixMilli()/2000)
	}
	blocks := "[]"
	if p.random.IntN(50) == 0 {
		blocks = []string{`["administrator"]`, `["support"]`, `["host"]`}[p.few(3)]
	}
	r.Decision = p.random.IntN(4) > 0 && blocks == "[]"
	// No id occurs in an input, so there are not many.
	role := []string{"collaborator", "administrator", "client", "legal_representative"}[p.few(4)]
	r.Input = fmt.Appendf(nil, `{"action":{"name":%q},"subject":{"kind":"user","member":true,"role":%q,"granted":%t,"blocked":false,"itself":false},`+
		`"resource":{"known":true,"kind":"mail_service","blocks":%s,"maintenance":false},"organization":{"other_admins":%d,"other_legal_representatives":1}}`,
		r.Question.Action.Name, role, r.Decision, blocks, p.few(5))
	r.Reasons = p.reasons(r.Decision, blocks)
	if p.random.IntN(100) == 0 {
		r.Kind, r.Question.Action.Name, r.Actor = record.KindChange, "block", "support-agent"
		r.Details = fmt.Appendf(nil, `{"justification":"ticket %d: the %s asked by phone","changes":[]}`, p.random.IntN(1_000_000),
			strings.Repeat("customer ", 1+p.few(2)))
	}
	return r
}

// action is one of few, and of a hundred thousand one is rare.
func (p *past) action() string {
	if p.random.IntN(100_000) == 0 {
		return "transfer"
	}
	return []string{"manage", "view", "order", "grant"}[p.few(4)]
}

func (p *past) reasons(allowed bool, blocks string) []byte {
	switch {
	case allowed:
		return []byte(`[{"code":"granted","message":"you were granted this product"}]`)
	case blocks != "[]":
		return []byte(`[{"code":"product_blocked","message":"this product is blocked"},{"code":"not_granted","message":"you were not granted this product"}]`)
	}
	code := []string{"not_granted", "user_blocked", "not_a_member", "maintenance"}[p.few(4)]
	return fmt.Appendf(nil, `[{"code":%q,"message":"this is why: %s"}]`, code, code)
}

// id is a record's of that time. It is not [record.NewID], for the same log is to be made again.
func (p *past) id(at time.Time) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16|7<<12|uint64(at.Nanosecond()%1_000_000)<<12/1_000_000)
	binary.BigEndian.PutUint64(id[8:], p.random.Uint64()>>2|1<<63)
	return id.String()
}

// ask returns what has a filter ask, by a member, for what one record has, or for what another has; nil where neither
// has anything there.
func (p *past) ask(name string, ofAnother bool) func(*record.Filter) {
	r := p.some
	said := map[string]string{"reason": "granted", "origin": "host", "text": "phone"}
	if ofAnother {
		r = p.another
		said = map[string]string{"reason": "maintenance", "origin": "support", "text": "nobody", "kind": record.KindRead, "action": "transfer"}
	}
	value, ok := said[name]
	if !ok {
		value = map[string]string{
			"id": r.ID, "from": r.Time.Format(time.RFC3339), "to": r.Time.Add(time.Hour).Format(time.RFC3339), "replica": r.Replica,
			"sequence": fmt.Sprint(r.Sequence), "caller": r.Caller, "actor": r.Actor, "agent": r.Agent, "kind": r.Kind,
			"subject": r.Question.Subject.ID, "action": r.Question.Action.Name, "resource": r.Question.Resource.ID,
			"decision": fmt.Sprint(r.Decision != ofAnother), "policy": r.Policy, "organization": r.Organization,
			"revision": fmt.Sprint(r.Revision), "request_id": r.RequestID, "trace_id": r.TraceID, "batch_id": r.Batch,
		}[name]
	}
	if value == "" {
		return nil
	}
	return func(f *record.Filter) { f.Set(name, value) }
}
