package record

import (
	"fmt"
	"regexp"
)

// ChangeStreams is how many sequences a replica numbers its changes by. A number is taken until its transaction is
// committed, so changes that share a sequence wait for one another.
const ChangeStreams = 16

const (
	// FormerStream is what stood behind the name of a replica when it had one sequence of changes.
	FormerStream = ".changes"
	// ChangeStreamPrefix is what stands there before the number of a sequence of changes.
	ChangeStreamPrefix = FormerStream + "."
)

var changeStream = regexp.MustCompile(regexp.QuoteMeta(ChangeStreamPrefix) + `[0-9]{2}$`)

// ChangeStream is what stands behind the name of every replica in the name of one of its sequences of changes, from 0 on.
func ChangeStream(n int) string { return fmt.Sprintf("%s%02d", ChangeStreamPrefix, n) }

// OfChanges tells the name of a sequence of changes, whose records are kept as acts, from that of a replica, which its
// journal is numbered under.
func OfChanges(stream string) bool { return changeStream.MatchString(stream) }
