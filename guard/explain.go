package guard

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"cordon/datastore"
	"cordon/policies"
)

// Languages that reasons are told in.
func Languages() []string { return []string{"en", "fr", "de"} }

// Explanation tells a denial to its two readers, by language: the person concerned, who is told who
// can help and nobody's name, and the administrator, who is told the rules, the blocks that stand and
// the policy too. An allow needs none: both are nil.
type Explanation struct{ User, Admin map[string]string }

// Explain gives the explanation of an answer.
func (a *Answer) Explain() Explanation {
	if a.Decision == nil || a.Allowed {
		return Explanation{}
	}
	e := Explanation{User: a.Texts.Person, Admin: map[string]string{}}
	for _, language := range Languages() {
		e.Admin[language] = string(a.appendAdmin(nil, language))
	}
	return e
}

// AppendExplanation appends the explanation of a denial as the members reason_user and reason_admin
// of a JSON object, each with a comma before it; of an allow, nothing.
func (a *Answer) AppendExplanation(dst []byte) []byte {
	if a.Allowed {
		return dst
	}
	dst = append(dst, `,"reason_user":`...)
	dst = append(dst, a.PersonJSON...)
	dst = append(dst, `,"reason_admin":{`...)
	for i, language := range Languages() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, language...)
		dst = append(dst, `":`...)
		var text [1024]byte
		dst, _ = jsontext.AppendQuote(dst, a.appendAdmin(text[:0], language)) // of our own texts: always valid UTF-8
	}
	return append(dst, '}')
}

// appendAdmin appends the administrator's text: the sentences, then what they rest on.
func (a *Answer) appendAdmin(dst []byte, language string) []byte {
	dst = append(dst, a.Texts.Administrator[language]...)
	dst = append(dst, " [rules:"...)
	for _, reason := range a.Reasons {
		dst = append(append(dst, ' '), reason.Code...)
	}
	if len(a.Blocks) > 0 {
		dst = append(dst, "; blocks:"...)
		for _, id := range a.Blocks {
			dst = append(append(dst, ' '), id...)
		}
	}
	dst = append(append(dst, "; policy: "...), a.Policy...)
	return append(dst, ']')
}

// standingBlocks names the blocks that a denial may rest on: the acting member's and the product's.
func standingBlocks(d *policies.Decision, k *known, now time.Time) []string {
	if d.Allowed {
		return nil
	}
	var ids []string
	add := func(blocks []datastore.Block) {
		for i := range blocks {
			if blocks[i].InForce(now) {
				ids = append(ids, blocks[i].ID)
			}
		}
	}
	for _, reason := range d.Reasons {
		switch reason.Code {
		case "user_blocked":
			add(k.member.blocks)
		case "product_blocked", "block_held_by_support", "block_held_by_host":
			if k.product != nil {
				add(k.product.blocks)
			} else {
				add(k.targetBlocks)
			}
		case "mail_in_maintenance":
			ids = append(ids, k.product.maintenance.ID)
		}
	}
	return ids
}
