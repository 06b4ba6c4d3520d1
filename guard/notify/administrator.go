package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	netmail "net/mail"
	"slices"
	"strings"

	"cordon/datastore"
	"cordon/guard"
)

// Administrator of policies is somebody who is told of acts on them (docs/design.md 12), in a language.
type Administrator struct{ Address, Language string }

// ParseAdministrator reads ADDRESS or ADDRESS:LANGUAGE, such as ada@example.org:fr.
func ParseAdministrator(text string) (Administrator, error) {
	address, language, named := strings.Cut(text, ":")
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return Administrator{}, errors.New("an administrator's address is none")
	}
	if named && !slices.Contains(Languages(), language) {
		return Administrator{}, errors.New("an administrator's language is none of " + strings.Join(Languages(), ", "))
	}
	return Administrator{Address: address, Language: language}, nil
}

// Languages returns those that mails are written in.
func Languages() []string { return []string{"de", "en", "fr"} }

// id names the administrator in a message, which has no address.
func (a *Administrator) id() string {
	sum := sha256.Sum256([]byte(a.Address))
	return "administrator-" + hex.EncodeToString(sum[:8])
}

// sendNotice writes to an administrator who still is one.
func (r *Relay) sendNotice(ctx context.Context, m *datastore.Message, e *guard.Event) outcome {
	for _, a := range r.mailer.config.Administrators {
		if a.id() == m.Recipient {
			return r.sendLetter(ctx, m, &netmail.Address{Address: a.Address}, newNotice(&r.mailer.config.Host, e, a.Language))
		}
	}
	return skipped("who was to be told is no policy administrator any more")
}

// newNotice gathers what an administrator is told of an event of a policy.
func newNotice(host *Host, e *guard.Event, language string) *letter {
	n := e.Policy
	return &letter{
		Type: e.Type, Language: language, Host: flat(host.Name), Color: host.Color, At: e.At,
		Decision: flat(e.Decision), RecordLink: host.page("decisions", e.Decision),
		Set: flat(n.Set), Version: flat(n.Digest), Previous: flat(n.Previous), How: n.How, By: flat(n.By),
		Message: flatTo(n.Message, longestReason), Reason: flatTo(n.Reason, longestReason), Until: n.Until,
	}
}
