package guard

import (
	"hash/fnv"

	"cordon/ledger/record"
)

// changeStream returns the name under which the store numbers the records of an organization's
// changes, as the journal numbers the replica's decisions under the replica's own name. It is the same
// for an organization as long as the replica keeps its name, and no sequence has a gap. Records of
// before there were several are numbered under the replica's name and [record.FormerStream].
func (g *Guard) changeStream(organization string) string {
	return g.journal.Replica() + changeStreamSuffix(organization)
}

// changeStreamSuffix is what stands behind the name of every replica in the name of that sequence.
func changeStreamSuffix(organization string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(organization)) // a hash takes everything
	return record.ChangeStream(int(h.Sum32() % record.ChangeStreams))
}
