package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"cordon/datastore"
)

// Put inserts or replaces nouns.
func (t *tx) Put(ctx context.Context, nouns ...datastore.Noun) error {
	for _, noun := range nouns {
		if err := t.usable(ctx); err != nil {
			return err
		}
		if err := t.put(ctx, noun); err != nil {
			return explain(fmt.Sprintf("put %T", noun), err)
		}
	}
	return nil
}

func (t *tx) put(ctx context.Context, noun datastore.Noun) error {
	switch n := noun.(type) {
	case datastore.Organization:
		return t.putOrganization(ctx, n)
	case datastore.Member:
		return t.putMember(ctx, n)
	case datastore.UserBlocks:
		return t.putUserBlocks(ctx, n)
	case datastore.Product:
		return t.putProduct(ctx, n)
	case datastore.APIKey:
		n.CreatedAt, n.ExpiresAt, n.LastUsedAt = n.CreatedAt.UTC(), n.ExpiresAt.UTC(), n.LastUsedAt.UTC()
		return t.write(ctx, `REPLACE INTO api_keys (id, document) VALUES (?, ?)`, n, n.ID)
	case datastore.Support:
		return t.putSupport(ctx, n)
	case datastore.FirstAnswer:
		return t.putFirstAnswer(ctx, n)
	case datastore.Procedure:
		return t.putProcedure(ctx, n)
	case datastore.Webhook:
		return t.putWebhook(ctx, n)
	case datastore.Message:
		return t.putMessage(ctx, n)
	case datastore.Note:
		return t.putNote(ctx, n)
	case datastore.Activation:
		return t.putActivation(ctx, n)
	}
	return errors.New("this noun is not known")
}

// write runs a statement whose last value is the noun's document.
func (t *tx) write(ctx context.Context, query string, noun any, args ...any) error {
	document, err := encode(noun)
	if err != nil {
		return err
	}
	_, err = t.conn.exec(ctx, query, append(args, document)...)
	return err
}

func (t *tx) putOrganization(ctx context.Context, n datastore.Organization) error {
	n.CreatedAt = n.CreatedAt.UTC()
	if err := t.remove(ctx, `DELETE FROM former_organizations WHERE id = ?`, n.ID); err != nil {
		return err
	}
	err := t.write(ctx, `REPLACE INTO organizations (id, revision, document) VALUES (?, ?, ?)`, n, n.ID, n.Revision)
	if err != nil {
		return err
	}
	return t.changed(ctx, datastore.Change{Organization: n.ID, Revision: n.Revision})
}

var rolePattern = regexp.MustCompile(datastore.RolePattern)

func (t *tx) putMember(ctx context.Context, n datastore.Member) error {
	if !rolePattern.MatchString(n.Role) {
		return errors.New("its role is no word for one")
	}
	n.Grants = slices.Compact(slices.Sorted(slices.Values(n.Grants)))
	before, err := t.grants(ctx, n.Organization, n.ID)
	if err != nil {
		return err
	}
	for _, product := range before {
		if _, kept := slices.BinarySearch(n.Grants, product); kept {
			continue
		}
		if _, err := t.conn.exec(ctx, `DELETE FROM grants WHERE organization = ? AND product = ? AND user = ?`,
			n.Organization, product, n.ID); err != nil {
			return err
		}
	}
	for _, product := range n.Grants {
		if _, had := slices.BinarySearch(before, product); had {
			continue
		}
		if _, err := t.conn.exec(ctx, `INSERT INTO grants (organization, product, user) VALUES (?, ?, ?)`,
			n.Organization, product, n.ID); err != nil {
			return err
		}
	}
	return t.write(ctx, `REPLACE INTO members (organization, id, role, document) VALUES (?, ?, ?, ?)`,
		n, n.Organization, n.ID, n.Role)
}

// grants gives the grants of a member, none where there is no such member.
func (t *tx) grants(ctx context.Context, organization, user string) ([]string, error) {
	var document []byte
	err := t.conn.one(ctx, `SELECT document FROM members WHERE organization = ? AND id = ?`,
		[]any{organization, user}, &document)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := decode[datastore.Member](document)
	return m.Grants, err
}

func (t *tx) putUserBlocks(ctx context.Context, n datastore.UserBlocks) error {
	if len(n.Blocks) == 0 {
		return t.delete(ctx, n)
	}
	var ends []time.Time
	n.Blocks, ends = utcBlocks(n.Blocks)
	return t.write(ctx, `REPLACE INTO user_blocks (organization, user, ends_at, document) VALUES (?, ?, ?, ?)`,
		n, n.Organization, n.User, earliest(ends...))
}

func (t *tx) putProduct(ctx context.Context, n datastore.Product) error {
	var ends []time.Time
	n.Blocks, ends = utcBlocks(n.Blocks)
	if n.Maintenance != nil {
		m := *n.Maintenance
		m.Since, m.ExpiresAt = m.Since.UTC(), m.ExpiresAt.UTC()
		n.Maintenance = &m
		ends = append(ends, m.ExpiresAt)
	}
	document, err := encode(n)
	if err != nil {
		return err
	}
	changed, err := t.conn.exec(ctx, `INSERT INTO products (id, organization, ends_at, document) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at, document = excluded.document
		WHERE organization = excluded.organization`, n.ID, n.Organization, earliest(ends...), document)
	if err == nil && changed == 0 {
		err = datastore.ErrTaken
	}
	return err
}

func (t *tx) putSupport(ctx context.Context, n datastore.Support) error {
	n.Codes = slices.Clone(n.Codes)
	for i := range n.Codes {
		n.Codes[i].ExpiresAt = n.Codes[i].ExpiresAt.UTC()
	}
	n.WrongTries = slices.Clone(n.WrongTries)
	for i := range n.WrongTries {
		n.WrongTries[i] = n.WrongTries[i].UTC()
	}
	return t.write(ctx, `REPLACE INTO supports (organization, ended_at, document) VALUES (?, ?, ?)`, n, n.Organization, earliest(datastore.EndOf(n)))
}

func (t *tx) putFirstAnswer(ctx context.Context, n datastore.FirstAnswer) error {
	n.At = n.At.UTC()
	answer := n.Answer
	n.Answer = nil // kept as it is, beside the document: base64 would cost a third more
	return t.write(ctx, `REPLACE INTO first_answers (key, at, answer, document) VALUES (?, ?, ?, ?)`,
		n, n.Key, instant(n.At), blob(answer))
}

func (t *tx) putProcedure(ctx context.Context, n datastore.Procedure) error {
	n.At = n.At.UTC()
	n.Steps = slices.Clone(n.Steps)
	for i := range n.Steps {
		n.Steps[i].DoneAt = n.Steps[i].DoneAt.UTC()
	}
	return t.write(ctx, `REPLACE INTO procedures (organization, user, id, ended_at, document) VALUES (?, ?, ?, ?, ?)`,
		n, n.Organization, n.User, n.ID, earliest(datastore.EndOf(n)))
}

func (t *tx) putWebhook(ctx context.Context, n datastore.Webhook) error {
	n.CreatedAt = n.CreatedAt.UTC()
	n.Secrets = slices.Clone(n.Secrets)
	for i := range n.Secrets {
		n.Secrets[i].ExpiresAt = n.Secrets[i].ExpiresAt.UTC()
	}
	return t.write(ctx, `REPLACE INTO webhooks (organization, id, document) VALUES (?, ?, ?)`, n, n.Organization, n.ID)
}

func (t *tx) putMessage(ctx context.Context, n datastore.Message) error {
	n.NextAt, n.CreatedAt = n.NextAt.UTC(), n.CreatedAt.UTC()
	n.Log = slices.Clone(n.Log)
	for i := range n.Log {
		n.Log[i].At = n.Log[i].At.UTC()
	}
	payload := n.Payload
	n.Payload = nil
	var due *int64
	if n.State == datastore.MessagePending || n.State == datastore.MessageLeased {
		due = new(instant(n.NextAt))
	}
	return t.write(ctx, `REPLACE INTO messages (id, organization, kind, lane, recipient, decision, state, due_at, ended_at, payload, document)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		n, n.ID, n.Organization, n.Kind, n.Way(), n.Recipient, n.Decision, n.State, due, earliest(datastore.EndOf(n)), blob(payload))
}

func (t *tx) putNote(ctx context.Context, n datastore.Note) error {
	if len(n.Body) > datastore.NoteLimit {
		return errors.New("its body is too long")
	}
	_, err := t.conn.exec(ctx, `REPLACE INTO notes (name, body) VALUES (?, ?)`, n.Name, blob(n.Body))
	return err
}

func (t *tx) putActivation(ctx context.Context, n datastore.Activation) error {
	n.At, n.Until = n.At.UTC(), n.Until.UTC()
	if err := t.write(ctx, `REPLACE INTO activations (name, document) VALUES (?, ?)`, n, n.Set); err != nil {
		return err
	}
	return t.changed(ctx, datastore.Change{Set: n.Set, Revision: n.Number})
}

// blob is never NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
