package guard

import (
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"cordon/datastore"
	"cordon/policies"
)

// Admin returns what the answer tells an administrator, by language: the sentences of the reasons, the
// rules, the blocks that they rest on and the policy. The person concerned is told less, by User.
func (a *Answer) Admin() map[string]string {
	texts := a.Decision.Admin()
	for language, text := range texts {
		texts[language] = string(a.appendGrounds([]byte(text)))
	}
	return texts
}

// AppendUser appends what the answer tells the person concerned, as the member reason_user of a JSON
// object with a comma before it.
func (a *Answer) AppendUser(dst []byte) []byte {
	return append(append(dst, `,"reason_user":`...), a.UserJSON()...)
}

// AppendAdmin appends what the answer tells an administrator, as the member reason_admin of a JSON
// object with a comma before it.
func (a *Answer) AppendAdmin(dst []byte) []byte {
	dst = append(dst, `,"reason_admin":`...)
	begin := byte('{')
	texts := a.Admin()
	for _, language := range slices.Sorted(maps.Keys(texts)) {
		dst = append(dst, begin)
		begin = ','
		dst, _ = jsontext.AppendQuote(dst, language)
		dst = append(dst, ':')
		dst, _ = jsontext.AppendQuote(dst, texts[language]) // of our own texts: always valid UTF-8
	}
	return append(dst, '}')
}

// appendGrounds appends what the sentences of the reasons rest on.
func (a *Answer) appendGrounds(dst []byte) []byte {
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

// standingBlocks names the blocks and the maintenance that a denial rests on. Which facts it may rest
// on is said by the rules; what there is of them is found here, for a rule may say it of anything.
func standingBlocks(d *policies.Decision, k *facts, now time.Time) []string {
	if d.Allowed {
		return nil
	}
	var ids []string
	add := func(blocks []datastore.Block) {
		for i := range blocks {
			if datastore.InForce(blocks[i].ExpiresAt, now) {
				ids = append(ids, blocks[i].ID)
			}
		}
	}
	if d.RestsOn.SubjectBlocks && k.member != nil {
		add(k.member.blocks)
	}
	if d.RestsOn.ResourceBlocks {
		add(k.targetBlocks)
		if k.product != nil {
			add(k.product.blocks)
		}
	}
	if d.RestsOn.Maintenance && k.product != nil {
		if m := k.product.maintenance; m != nil && datastore.InForce(m.ExpiresAt, now) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}
