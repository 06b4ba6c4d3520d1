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
	"cordon/policies"
)

// triesWithin is how long a wrong try counts (docs/design.md 11, Support codes). How many shut codes out, and how long a code
// lives, the policy's settings say.
const triesWithin = datastore.TriesCount

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
// their old one (docs/domain.md U2). It changes no revision. *Conflict "support_codes_locked": too many
// wrong codes were tried.
func (g *Guard) CreateSupportCode(ctx context.Context, o *Origin, organization string) (SupportCode, *Result, error) {
	if o.Actor == "" {
		return SupportCode{}, nil, &Invalid{Errors: []FieldError{{Detail: "cannot say who makes a support code: name the acting user in Cordon-Actor"}}}
	}
	made := SupportCode{Code: newCode()}
	result, err := g.mutate(ctx, o, &command{
		organization: organization, action: "create_support_code", silent: true,
		resource: Entity{Type: "organization", ID: organization},
		key:      func(o *Origin) datastore.Key { return datastore.Key{Organization: organization, User: o.Actor} },
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			return []Action{a.action}, a.mustHave(true, "")
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			support, err := readSupport(ctx, tx, organization, a.now)
			if err != nil {
				return false, err
			}
			made.ExpiresAt = a.now.Add(a.policy.Settings().SupportCode.Lifetime())
			if until := a.lockedUntilBy(&support); !until.IsZero() {
				return false, &Conflict{
					Code: "support_codes_locked", LockedUntil: until,
					Detail: "too many wrong codes were tried; no code is made until " + until.UTC().Format(time.RFC3339) + ", or until the host lifts the lock",
				}
			}
			before := support
			support.Codes = slices.DeleteFunc(slices.Clone(support.Codes), func(c datastore.SupportCode) bool {
				return c.User == o.Actor || !a.now.Before(c.ExpiresAt)
			})
			support.Codes = append(support.Codes, datastore.SupportCode{
				User: o.Actor, Hash: hashCode(organization, made.Code), ExpiresAt: made.ExpiresAt,
			})
			a.details["expires_at"] = made.ExpiresAt
			return true, a.put(ctx, tx, before, support)
		},
	})
	return made, result, err
}

// UnlockSupportCodes forgets the wrong tries of an organization, and with them the lock that they set. Codes that live go on living. It is the host's alone, and changes no revision.
func (g *Guard) UnlockSupportCodes(ctx context.Context, o *Origin, organization string) (*Result, error) {
	return g.mutate(ctx, o, &command{
		organization: organization, action: "unlock_support_codes", silent: true,
		resource: Entity{Type: "organization", ID: organization},
		key:      func(*Origin) datastore.Key { return datastore.Key{Organization: organization} },
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			a.result.Revision = a.facts.Organization.Revision
			return nil, a.mustHave(true, "")
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			support, err := readSupport(ctx, tx, organization, a.now)
			if err != nil || len(support.WrongTries) == 0 {
				return false, err
			}
			a.details["wrong_tries"] = len(support.WrongTries)
			if until := a.lockedUntilBy(&support); !until.IsZero() {
				a.details["locked_until"] = until
			}
			before := support
			support.WrongTries = nil
			return true, a.put(ctx, tx, before, support)
		},
	})
}

// readSupport reads an organization's codes, with the wrong tries that still count.
func readSupport(ctx context.Context, tx datastore.Tx, organization string, now time.Time) (datastore.Support, error) {
	support, err := datastore.Get(ctx, tx, datastore.Support{Organization: organization})
	if err != nil && !errors.Is(err, datastore.ErrNotFound) {
		return datastore.Support{}, fmt.Errorf("read support codes: %w", err)
	}
	support.Organization = organization
	support.WrongTries = slices.DeleteFunc(support.WrongTries, func(at time.Time) bool { return now.Sub(at) >= triesWithin })
	return support, nil
}

// lockedUntilBy returns when the hour is over in which more wrong codes were tried than the policy has it, or the zero time.
func (a *attempt) lockedUntilBy(support *datastore.Support) time.Time {
	if beyond := len(support.WrongTries) - a.policy.Settings().SupportCode.Tries; beyond >= 0 {
		return support.WrongTries[beyond].Add(triesWithin)
	}
	return time.Time{}
}

// presented is what became of a code that was presented.
type presented struct {
	state   string // policies.CodeMissing, policies.CodeInvalid, policies.CodeValid
	maker   string
	before  datastore.Support // policies.CodeValid: as it was
	support datastore.Support // policies.CodeValid: as it must be put once the code is used; policies.CodeInvalid: as it is
}

// present looks at a code within the transaction of the act that presents it. A code is good when it
// is alive, of this organization, not shut out by a lock, its maker is at this moment an unblocked
// administrator or legal representative, and, for an actor, it is their own.
func present(ctx context.Context, tx datastore.Tx, a *attempt, organization, code string) (presented, error) {
	if strings.TrimSpace(code) == "" {
		return presented{state: policies.CodeMissing}, nil
	}
	support, err := readSupport(ctx, tx, organization, a.now)
	if err != nil {
		return presented{}, err
	}
	hash := hashCode(organization, code)
	i := slices.IndexFunc(support.Codes, func(c datastore.SupportCode) bool {
		return subtle.ConstantTimeCompare(c.Hash, hash) == 1
	})
	if i < 0 || !a.lockedUntilBy(&support).IsZero() || !goodCode(a, support.Codes[i]) {
		return presented{state: policies.CodeInvalid, support: support}, nil
	}
	maker, before := support.Codes[i].User, support
	support.Codes = slices.Delete(slices.Clone(support.Codes), i, i+1)
	return presented{state: policies.CodeValid, maker: maker, before: before, support: support}, nil
}

// countTry counts a code that is not good as a wrong try, if the rules would allow the act with a good
// one: whoever may not act anyway cannot lock an organization out of support. The try is kept with
// the refusal, in the transaction that judged the code, so of many at once five are counted and the
// rest meet the lock.
func (g *Guard) countTry(ctx context.Context, a *attempt, code *presented) error {
	if code.state != policies.CodeInvalid {
		return nil
	}
	input, _ := a.input(a.action)
	would := *a.act
	would.Code = policies.CodeValid
	input.Act = &would
	decision, err := a.policy.ask(ctx, &input, a.now)
	if err != nil || !decision.Allowed {
		return err
	}
	support := &code.support
	if a.lockedUntilBy(support).IsZero() {
		support.WrongTries = append(support.WrongTries, a.now)
		a.details["wrong_tries"] = len(support.WrongTries)
		if !a.lockedUntilBy(support).IsZero() {
			support.Codes = nil
		}
		a.kept = append(a.kept, *support)
	}
	a.lockedUntil = a.lockedUntilBy(support)
	return nil
}

func goodCode(a *attempt, code datastore.SupportCode) bool {
	if !a.now.Before(code.ExpiresAt) || a.origin.Actor != "" && a.origin.Actor != code.User {
		return false
	}
	return slices.ContainsFunc(a.facts.Admins, func(m datastore.Member) bool {
		return m.ID == code.User && !m.BlockedAt(a.ends)
	})
}
