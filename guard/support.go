package guard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cordon/datastore"
)

// The life of support codes (docs/design.md 11, Support codes).
const (
	codeLife     = 15 * time.Minute
	mostTries    = 5
	triesForgive = time.Hour
)

// What the rules are told of a support code (policies.Act.Code).
const (
	codeMissing = "missing"
	codeInvalid = "invalid"
	codeValid   = "valid"
)

// newCode makes a code of 60 random bits, in groups that can be read out on a telephone.
func newCode() string {
	s := rand.Text()[:12]
	return s[:4] + "-" + s[4:8] + "-" + s[8:]
}

// hashCode gives what is kept of a code. Case, spaces and dashes do not count; the organization does,
// so that equal codes of two organizations have different hashes.
func hashCode(organization, code string) []byte {
	plain := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	sum := sha256.Sum256([]byte("cordon support code\x00" + organization + "\x00" + plain))
	return sum[:]
}

// SupportCode is a new code: it is shown this once.
type SupportCode struct {
	Code      string
	ExpiresAt time.Time
}

// CreateSupportCode makes a code for the acting administrator or legal representative; it replaces
// their old one (docs/domain.md U2). It changes no revision.
func (g *Guard) CreateSupportCode(ctx context.Context, o *Origin, organization string) (SupportCode, *Result, error) {
	if o.Actor == "" {
		return SupportCode{}, nil, &Invalid{Errors: []FieldError{{Detail: "a support code is made by an acting user: name one in Cordon-Actor"}}}
	}
	made := SupportCode{Code: newCode(), ExpiresAt: g.now().Add(codeLife)}
	result, err := g.mutate(ctx, o, &command{
		organization: organization, action: "create_support_code", silent: true,
		resource: Entity{Type: "organization", ID: organization},
		key:      func(o *Origin) datastore.Key { return datastore.Key{Organization: organization, User: o.Actor} },
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			return []Action{a.action}, a.mustHave(true, "")
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			support, err := tx.Support(ctx, organization)
			if err != nil {
				return false, fmt.Errorf("read support codes: %w", err)
			}
			support.Codes = slices.DeleteFunc(support.Codes, func(c datastore.SupportCode) bool {
				return c.User == o.Actor || !a.now.Before(c.ExpiresAt)
			})
			support.Codes = append(support.Codes, datastore.SupportCode{
				User: o.Actor, Hash: hashCode(organization, made.Code), ExpiresAt: made.ExpiresAt,
			})
			a.details["expires_at"] = made.ExpiresAt
			return true, tx.Put(ctx, support)
		},
	})
	return made, result, err
}

// presented is what became of a code that was presented.
type presented struct {
	state   string // codeMissing, codeInvalid, codeValid
	maker   string
	support datastore.Support // as it must be put: after a wrong try, or once the code is used
}

// present looks at a code within the transaction of the act that presents it. A code is good when it
// is alive, of this organization, not beyond the limit of wrong tries, its maker is at this moment
// an unblocked administrator or legal representative, and, for an actor, it is their own.
func present(ctx context.Context, tx datastore.Tx, a *attempt, organization, code string) (presented, error) {
	if strings.TrimSpace(code) == "" {
		return presented{state: codeMissing}, nil
	}
	support, err := tx.Support(ctx, organization)
	if err != nil && !errors.Is(err, datastore.ErrNotFound) {
		return presented{}, fmt.Errorf("read support codes: %w", err)
	}
	support.Organization = organization
	support.WrongTries = slices.DeleteFunc(support.WrongTries, func(at time.Time) bool {
		return a.now.Sub(at) >= triesForgive
	})
	if len(support.WrongTries) >= mostTries {
		return presented{state: codeInvalid}, nil // refused until the hour is over; not counted
	}
	hash := hashCode(organization, code)
	i := slices.IndexFunc(support.Codes, func(c datastore.SupportCode) bool {
		return subtle.ConstantTimeCompare(c.Hash, hash) == 1
	})
	if i >= 0 && goodCode(a, support.Codes[i]) {
		maker := support.Codes[i].User
		support.Codes = slices.Delete(support.Codes, i, i+1)
		return presented{state: codeValid, maker: maker, support: support}, nil
	}
	support.WrongTries = append(support.WrongTries, a.now)
	if len(support.WrongTries) >= mostTries {
		support.Codes = nil
	}
	a.kept = append(a.kept, support)
	return presented{state: codeInvalid}, nil
}

func goodCode(a *attempt, code datastore.SupportCode) bool {
	if !a.now.Before(code.ExpiresAt) || a.origin.Actor != "" && a.origin.Actor != code.User {
		return false
	}
	return slices.ContainsFunc(a.facts.Admins, func(m datastore.Member) bool {
		return m.ID == code.User && !m.BlockedAt(a.now)
	})
}
