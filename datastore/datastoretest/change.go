package datastoretest

import (
	"cordon/ledger/record"
)

// change gives the record of a change, as a transaction appends it.
func change(replica, organization string, revision int64) *record.Record {
	now := at(int(revision))
	return &record.Record{
		ID: record.NewID(now), Time: now, Replica: replica, Caller: "key", Kind: record.KindChange,
		Question: record.Question{
			Subject: record.Entity{Type: "user", ID: "adam"}, Action: record.Action{Name: "block"},
			Resource: record.Entity{Type: "product", ID: organization + "-site", Organization: organization},
		},
		Decision: true, Reasons: []byte(`[{"code":"administrator","message":"m"}]`), Organization: organization, Revision: revision,
	}
}
