package guard

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"cordon/datastore"
)

// Tag returns what tells one state of an object of the directory, or of retention, from every other, as a strong entity tag
// (RFC 9110, 8.8.3). It is of the object alone: the revision, which other changes of its organization raise, is
// not in it, nor are the settings of an organization, an object of their own. Blocks are, so the object must be as it is now, without those that have ended.
func Tag[T Organization | Settings | Member | Product | Retention](object *T) string {
	var state any
	switch o := any(*object).(type) {
	case Organization:
		o.Revision, o.CreatedAt, o.Settings = 0, o.CreatedAt.UTC(), nil
		state = o
	case Member:
		o.Grants = append([]string{}, o.Grants...)
		state = struct {
			datastore.Member
			Blocks []Block `json:"blocks"`
		}{o, inUTC(o.Blocks)}
	case Product:
		o.Blocks = inUTC(o.Blocks)
		if o.Maintenance != nil {
			m := *o.Maintenance
			m.Since, m.ExpiresAt = utc(m.Since), utc(m.ExpiresAt)
			o.Maintenance = &m
		}
		state = o
	case Settings:
		state = o
	case Retention:
		state = o
	}
	text, _ := json.Marshal(state) // of strings, times and lists alone: it cannot fail
	hash := sha256.Sum256(text)
	return `"` + base64.RawURLEncoding.EncodeToString(hash[:18]) + `"`
}

// inUTC returns blocks whose times are written in one way, wherever they come from.
func inUTC(blocks []Block) []Block {
	same := make([]Block, len(blocks))
	for i, b := range blocks {
		b.Since, b.ExpiresAt = utc(b.Since), utc(b.ExpiresAt)
		same[i] = b
	}
	return same
}

// utc keeps the zero time zero, which is left out.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// Tag returns the tag of what a change of the directory left, empty where it left nothing.
func (r *Result) Tag() string {
	switch {
	case r.Settings != nil:
		return Tag(r.Settings)
	case r.Organization != nil:
		return Tag(r.Organization)
	case r.Member != nil:
		return Tag(r.Member)
	case r.Product != nil:
		return Tag(r.Product)
	case r.Retention != nil:
		return Tag(r.Retention)
	}
	return ""
}

// The tags of what a command of the directory is about, as it stands in the transaction; empty where it does
// not exist.

func (a *attempt) organizationTag() string {
	if !a.found {
		return ""
	}
	return Tag(&a.facts.Organization)
}

func (a *attempt) settingsTag() string {
	if !a.found {
		return ""
	}
	settings := settingsIn(a.policy, a.facts.Organization.Settings)
	return Tag(&settings)
}

func (a *attempt) memberTag() string {
	if a.facts.Target == nil {
		return ""
	}
	member := *a.facts.Target
	member.Blocks = standing(a.facts.TargetBlocks, a.ends)
	return Tag(&member)
}

func (a *attempt) productTag() string {
	if a.facts.Product == nil {
		return ""
	}
	product := asAt(*a.facts.Product, a.ends)
	return Tag(&product)
}

// CodePrecondition is the code of a [Conflict] with the condition that the caller set ([Origin].If).
const CodePrecondition = "precondition_failed"

// unmet refuses a change whose caller decided it on another state of the object than the one that stands.
func (c *command) unmet(a *attempt) error {
	if a.origin.If == nil || c.tag == nil {
		return nil
	}
	return a.unmet(c.tag(a))
}

// unmet refuses a change where the condition does not hold of the tag that the object has.
func (a *attempt) unmet(tag string) error {
	if a.origin.If == nil || a.origin.If(tag) {
		return nil
	}
	detail := "it is another now than If-Match or If-None-Match asks for; read it, and decide anew with the ETag that it has"
	if tag == "" {
		detail = "it does not exist, and If-Match is about what does"
	}
	return &Conflict{Code: CodePrecondition, Detail: detail, Tag: tag, Answer: a.result.Answer}
}
