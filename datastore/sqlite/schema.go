package sqlite

import (
	"context"
	"fmt"
	"strings"

	"cordon/datastore"

	"github.com/google/uuid"
)

// schema is what a file holds. Step n brings it from version n to n+1; a step that was released
// never changes.
type schema struct {
	name  string
	cache int // KiB of pages that the writer keeps
	steps []string
}

// apply takes the steps that the file lacks.
func (s schema) apply(ctx context.Context, c *conn) error {
	var version int
	if err := c.one(ctx, `PRAGMA user_version`, nil, &version); err != nil {
		return err
	}
	if version > len(s.steps) {
		return fmt.Errorf("it was written by a newer cordon (schema %d, this one knows %d)", version, len(s.steps))
	}
	for ; version < len(s.steps); version++ {
		step := fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT",
			strings.ReplaceAll(s.steps[version], "{life}", uuid.NewString()), version+1)
		if err := c.script(ctx, step); err != nil {
			return fmt.Errorf("bring to version %d: %w", version+1, err)
		}
	}
	return nil
}

// oneOf gives a column with a CHECK that it holds one of the values.
func oneOf(column string, values ...string) string {
	return fmt.Sprintf("%s TEXT NOT NULL CHECK (%s IN ('%s'))", column, column, strings.Join(values, "', '"))
}

// A noun is a document in JSON beside the columns that it is found by. Ids compare byte by byte
// (SQLite's BINARY collation), so they are case-sensitive. Instants that are compared are
// nanoseconds since 1970.
func stateSchema() schema {
	return schema{"state.db", 8000, []string{`
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO about VALUES ('life', '{life}');

CREATE TABLE organizations (
	id TEXT PRIMARY KEY,
	revision INTEGER NOT NULL,
	incarnation TEXT NOT NULL,
	document TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
	organization TEXT NOT NULL,
	id TEXT NOT NULL,
	` + oneOf("role", datastore.LegalRepresentative, datastore.Administrator, datastore.Collaborator, datastore.Client) + `,
	document TEXT NOT NULL,
	PRIMARY KEY (organization, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX admins ON members (organization, id)
	WHERE role IN ('` + datastore.LegalRepresentative + `', '` + datastore.Administrator + `');

-- which members' documents name a product
CREATE TABLE grants (
	organization TEXT NOT NULL,
	product TEXT NOT NULL,
	user TEXT NOT NULL,
	PRIMARY KEY (organization, product, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_blocks (
	organization TEXT NOT NULL,
	user TEXT NOT NULL,
	ends_at INTEGER,
	document TEXT NOT NULL,
	PRIMARY KEY (organization, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_blocks_that_end ON user_blocks (ends_at) WHERE ends_at IS NOT NULL;

CREATE TABLE products (
	id TEXT PRIMARY KEY,
	organization TEXT NOT NULL,
	ends_at INTEGER,
	document TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX products_of_organization ON products (organization, id);
CREATE INDEX products_that_end ON products (ends_at) WHERE ends_at IS NOT NULL;

CREATE TABLE api_keys (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE supports (organization TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE first_answers (
	key TEXT PRIMARY KEY,
	at INTEGER NOT NULL,
	answer BLOB NOT NULL,
	document TEXT NOT NULL
) STRICT;
CREATE INDEX first_answers_by_age ON first_answers (at);

CREATE TABLE procedures (
	organization TEXT NOT NULL,
	user TEXT NOT NULL,
	id TEXT NOT NULL,
	document TEXT NOT NULL,
	PRIMARY KEY (organization, user, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
	organization TEXT NOT NULL,
	id TEXT NOT NULL,
	document TEXT NOT NULL,
	PRIMARY KEY (organization, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
	id TEXT PRIMARY KEY,
	organization TEXT NOT NULL,
	kind TEXT NOT NULL,
	recipient TEXT NOT NULL,
	` + oneOf("state", datastore.MessagePending, datastore.MessageLeased, datastore.MessageDone, datastore.MessageDead) + `,
	due_at INTEGER, -- while it may be claimed
	payload BLOB NOT NULL,
	document TEXT NOT NULL
) STRICT;
CREATE INDEX messages_due ON messages (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX messages_of_organization ON messages (organization, id);
CREATE INDEX messages_of_recipient ON messages (recipient, id);
CREATE INDEX messages_in_state ON messages (state, id);
CREATE INDEX messages_of_kind ON messages (kind, id);

-- what Watch gives
CREATE TABLE changes (
	position INTEGER PRIMARY KEY,
	organization TEXT NOT NULL,
	incarnation TEXT NOT NULL,
	revision INTEGER NOT NULL
) STRICT;
` + batches, `
-- the last revisions of organizations that were deleted: one made again goes on from there
CREATE TABLE former_organizations (id TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
ALTER TABLE organizations DROP COLUMN incarnation;
ALTER TABLE changes DROP COLUMN incarnation;
`, `
-- a role is one of datastore.Roles: a CHECK would have the table made anew for each other one
CREATE TABLE members_anew (
	organization TEXT NOT NULL,
	id TEXT NOT NULL,
	role TEXT NOT NULL,
	document TEXT NOT NULL,
	PRIMARY KEY (organization, id)
) STRICT, WITHOUT ROWID;
INSERT INTO members_anew SELECT organization, id, role, document FROM members;
DROP TABLE members;
ALTER TABLE members_anew RENAME TO members;
CREATE INDEX admins ON members (organization, id)
	WHERE role IN ('` + datastore.LegalRepresentative + `', '` + datastore.Administrator + `');

-- messages are claimed lane by lane
ALTER TABLE messages ADD COLUMN lane TEXT NOT NULL DEFAULT '';
UPDATE messages SET lane = organization;
DROP INDEX messages_due;
CREATE INDEX messages_due ON messages (kind, lane, due_at, id) WHERE due_at IS NOT NULL;

UPDATE about SET name = 'identity' WHERE name = 'life';
`, `
-- messages are found by the record of what they tell; before, it stood in the payload alone
ALTER TABLE messages ADD COLUMN decision TEXT NOT NULL DEFAULT '';
UPDATE messages SET
	decision = json_extract(CAST(payload AS TEXT), '$.decision'),
	document = json_set(document, '$.decision', json_extract(CAST(payload AS TEXT), '$.decision'))
WHERE json_valid(CAST(payload AS TEXT)) AND json_type(CAST(payload AS TEXT), '$.decision') = 'text';
CREATE INDEX messages_of_decision ON messages (decision, id);
`, `
CREATE TABLE notes (name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
`, streams, acts, `
-- what came to its end is found by when: see datastore.EndOf. A fraction of a second is lost of what was there before
ALTER TABLE messages ADD COLUMN ended_at INTEGER;
UPDATE messages SET ended_at = unixepoch(coalesce(json_extract(document, '$.log[#-1].at'), json_extract(document, '$.created_at'))) * 1000000000
	WHERE state IN ('` + datastore.MessageDone + `', '` + datastore.MessageDead + `');
CREATE INDEX messages_ended ON messages (ended_at, organization, id) WHERE ended_at IS NOT NULL;
ALTER TABLE procedures ADD COLUMN ended_at INTEGER;
UPDATE procedures SET ended_at = (SELECT max(unixepoch(json_extract(value, '$.done_at'))) * 1000000000 FROM json_each(document, '$.steps'))
	WHERE NOT EXISTS (SELECT 1 FROM json_each(document, '$.steps') WHERE json_extract(value, '$.done_at') IS NULL);
CREATE INDEX procedures_ended ON procedures (ended_at) WHERE ended_at IS NOT NULL;
ALTER TABLE supports ADD COLUMN ended_at INTEGER;
UPDATE supports SET ended_at = 1000000000 * (SELECT max(at) FROM (
	SELECT unixepoch(json_extract(value, '$.expires_at')) AS at FROM json_each(document, '$.codes')
	UNION ALL SELECT unixepoch(value) + 3600 FROM json_each(document, '$.wrong_tries')));
CREATE INDEX supports_ended ON supports (ended_at) WHERE ended_at IS NOT NULL;
`, `
CREATE TABLE activations (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;
ALTER TABLE changes ADD COLUMN policy_set TEXT NOT NULL DEFAULT '';
`, `
CREATE INDEX members_of_user ON members (id, organization);
`}}
}

// logSchema holds the batches that were shipped, and the files.
func logSchema() schema {
	return schema{"decisions.db", 2000, []string{batches, `
-- a file is kept in pieces of 64 KiB, so that a part of it can be read for the cost of the part
CREATE TABLE files (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size INTEGER NOT NULL) STRICT;
CREATE TABLE chunks (
	file INTEGER NOT NULL,
	number INTEGER NOT NULL,
	data BLOB NOT NULL,
	PRIMARY KEY (file, number)
) STRICT;
`, streams, loose}}
}

// loose names what the pieces in chunks are of that are no file's: of one that is being written, or was removed. Every
// file has its id from here, so none is given twice.
const loose = `
CREATE TABLE loose (file INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
INSERT INTO loose (file) SELECT id FROM files ORDER BY id DESC LIMIT 1;
DELETE FROM loose;
`

// streams counts what was given: its rows outlive the records. What was counted before is found by what is
// there. A batch may be given up when it is sealed.
const streams = `
CREATE TABLE streams (name TEXT PRIMARY KEY, last INTEGER NOT NULL, sealed INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
INSERT INTO streams (name, last) SELECT replica, max(last_sequence) FROM batches GROUP BY replica;
ALTER TABLE batches ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER batches_last;
CREATE TRIGGER batches_last BEFORE DELETE ON batches
	WHEN old.last_sequence > coalesce((SELECT sealed FROM streams WHERE name = old.replica), 0)
	BEGIN SELECT RAISE(ABORT, 'the log is only appended to, and given up when it is sealed'); END;
`

// acts are the records of changes, a row each: for whoever looks into the database, too. Before, they were
// batches of one.
const acts = `
CREATE TABLE acts (
	stream TEXT NOT NULL,
	sequence INTEGER NOT NULL,
	id TEXT NOT NULL,
	time TEXT NOT NULL, -- UTC, as in RFC 3339
	organization TEXT NOT NULL,
	kind TEXT NOT NULL,
	action TEXT NOT NULL,
	subject TEXT NOT NULL,
	actor TEXT NOT NULL,
	agent TEXT NOT NULL,
	resource TEXT NOT NULL,
	decision INTEGER NOT NULL CHECK (decision IN (0, 1)),
	line TEXT NOT NULL, -- the record as it is exported
	sealed INTEGER NOT NULL DEFAULT 0 CHECK (sealed IN (0, 1)),
	PRIMARY KEY (stream, sequence)
) STRICT;
CREATE INDEX acts_by_id ON acts (id);
CREATE INDEX acts_of_organization ON acts (organization, id);
CREATE INDEX acts_of_kind ON acts (kind, id);
CREATE INDEX acts_not_sealed ON acts (id) WHERE sealed = 0;
CREATE TRIGGER acts_stay BEFORE UPDATE OF stream, sequence, id, time, organization, kind, action, subject, actor, agent, resource, decision, line ON acts
	BEGIN SELECT RAISE(ABORT, 'the log is only appended to'); END;
CREATE TRIGGER acts_last BEFORE DELETE ON acts WHEN old.sealed = 0
	BEGIN SELECT RAISE(ABORT, 'the log is only appended to, and given up when it is sealed'); END;
`

// batches is the log: appended to, never changed.
const batches = `
CREATE TABLE batches (
	number INTEGER PRIMARY KEY,
	replica TEXT NOT NULL,
	first_sequence INTEGER NOT NULL,
	last_sequence INTEGER NOT NULL,
	count INTEGER NOT NULL CHECK (count > 0 AND count = last_sequence - first_sequence + 1),
	first_id TEXT NOT NULL,
	last_id TEXT NOT NULL,
	bloom BLOB NOT NULL,
	body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX batches_of_replica ON batches (replica, last_sequence);
CREATE INDEX batches_by_last ON batches (last_id);
CREATE INDEX batches_by_first ON batches (first_id);
CREATE TRIGGER batches_stay BEFORE UPDATE ON batches
	BEGIN SELECT RAISE(ABORT, 'the log is only appended to'); END;
CREATE TRIGGER batches_last BEFORE DELETE ON batches
	BEGIN SELECT RAISE(ABORT, 'the log is only appended to'); END;
`
