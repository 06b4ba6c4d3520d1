package guard

import (
	"fmt"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/policies"
)

// Languages that reasons are told in.
func Languages() []string { return []string{"en", "fr", "de"} }

// Explanation tells a decision's reasons to its two readers, by language: the person concerned, who
// is told who can help and nobody's name, and the administrator, who is told the rule, the blocks
// that stand and the policy.
type Explanation struct {
	User  map[string]string
	Admin map[string]string
}

// Explain gives the explanation of an answer.
func (g *Guard) Explain(a *Answer) Explanation {
	e := Explanation{User: map[string]string{}, Admin: map[string]string{}}
	for _, language := range Languages() {
		var user, admin []string
		for _, reason := range a.Reasons {
			texts, _ := g.engine.Texts(reason.Code)
			user = append(user, texts.Person[language])
			admin = append(admin, fmt.Sprintf("%s [%s]", texts.Administrator[language], reason.Code))
		}
		if len(a.Blocks) > 0 {
			admin = append(admin, fmt.Sprintf("%s: %s.", word(language, "Block", "Blocage", "Sperre"), strings.Join(a.Blocks, ", ")))
		}
		admin = append(admin, fmt.Sprintf("%s: %s.", word(language, "Policy", "Politique", "Regelwerk"), a.Policy))
		e.User[language], e.Admin[language] = strings.Join(user, " "), strings.Join(admin, " ")
	}
	return e
}

func word(language, en, fr, de string) string {
	switch language {
	case "fr":
		return fr
	case "de":
		return de
	}
	return en
}

// standingBlocks names the blocks that a denial may rest on: the acting member's and the product's.
func standingBlocks(d *policies.Decision, k *known, now time.Time) []string {
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
