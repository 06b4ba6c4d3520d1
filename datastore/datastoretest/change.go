package datastoretest

import "cordon/datastore"

// change gives the record of a change, as a transaction appends it.
func change(replica, organization string, revision int64) *datastore.Record {
	now := at(int(revision))
	return &datastore.Record{
		ID: datastore.NewRecordID(now), Time: now, Replica: replica, Caller: "key", Kind: datastore.RecordChange,
		Question: datastore.Question{
			Subject: datastore.Entity{Type: "user", ID: "adam"}, Action: datastore.Action{Name: "block"},
			Resource: datastore.Entity{Type: "product", ID: organization + "-site", Organization: organization},
		},
		Decision: true, Reasons: []byte(`[{"code":"administrator","message":"m"}]`), Organization: organization, Revision: revision,
	}
}
