package server

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"log/slog"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"cordon/guard"
)

const (
	longestToken = 8 << 10
	seenFor      = time.Minute // how long a token that was verified is taken without verifying it
	mostSeen     = 10_000
)

// tokens verifies the tokens of an issuer.
type tokens struct {
	issuer Issuer
	keys   *jwks
	now    func() time.Time

	mu        sync.RWMutex
	seen, old map[[sha256.Size]byte]*seenToken // two generations: the older one goes when the younger is full
}

// forAudience gives what verifies tokens of the same issuer that were made for another audience.
func (t *tokens) forAudience(audience string) *tokens {
	if audience == "" {
		return t
	}
	other := &tokens{issuer: t.issuer, keys: t.keys, now: t.now, seen: map[[sha256.Size]byte]*seenToken{}}
	other.issuer.Audience = audience
	return other
}

// seenToken is a token that was verified: until when that is taken, and with which keys it was. Where the issuer's have
// been fetched since, it is verified again, so that a key that is withdrawn ends what it signed.
type seenToken struct {
	caller *guard.Caller
	bound  string // the thumbprint of the certificate that its sender must show, "" for none
	until  time.Time
	keys   *keySet
}

func newTokens(issuer *Issuer, now func() time.Time, log *slog.Logger) (*tokens, error) {
	if issuer == nil {
		return nil, nil
	}
	t := &tokens{issuer: *issuer, now: now, seen: map[[sha256.Size]byte]*seenToken{}}
	if err := t.issuer.complete(); err != nil {
		return nil, err
	}
	t.keys = &jwks{issuer: &t.issuer, now: now, log: log}
	return t, nil
}

// caller tells whose token it is, of which the sender showed this certificate, if any. errUnauthenticated: nobody's that
// we trust, and why; errKeys: that cannot be told now.
func (t *tokens) caller(ctx context.Context, token string, shown *x509.Certificate) (*guard.Caller, error) {
	if len(token) > longestToken {
		return nil, refuseToken(causeMalformed, "is longer than 8 KiB")
	}
	now := t.now()
	sum := sha256.Sum256([]byte(token))
	t.mu.RLock()
	seen := t.seen[sum]
	if seen == nil {
		seen = t.old[sum]
	}
	t.mu.RUnlock()
	if seen == nil || !now.Before(seen.until) || seen.keys != t.keys.have.Load() {
		var err error
		if seen, err = t.verify(ctx, token); err != nil {
			return nil, err
		}
		seen.until = now.Add(seenFor)
		if seen.caller.ExpiresAt.Before(seen.until) {
			seen.until = seen.caller.ExpiresAt
		}
		t.mu.Lock()
		if len(t.seen) >= mostSeen {
			t.old, t.seen = t.seen, map[[sha256.Size]byte]*seenToken{}
		}
		t.seen[sum] = seen
		t.mu.Unlock()
	}
	if seen.bound != "" && seen.bound != thumbprint(shown) {
		return nil, refuseToken(causeClaims, "is bound to a certificate (cnf) that its sender does not show")
	}
	return seen.caller, nil
}

// verify looks at all that a token says before it looks for the key: what would be refused anyway,
// and what is not signed at all, asks nothing of the issuer.
func (t *tokens) verify(ctx context.Context, token string) (*seenToken, error) {
	head, err := t.readHead(token)
	if err != nil {
		return nil, err
	}
	message, err := jws.Parse([]byte(token), jws.WithCompact())
	if err != nil || len(message.Signatures()) != 1 {
		return nil, refuseToken(causeMalformed, notJWT)
	}
	claims := jwt.New()
	if err := json.Unmarshal(message.Payload(), claims); err != nil {
		return nil, refuseToken(causeClaims, "has claims that cannot be read")
	}
	seen := &seenToken{}
	if seen.caller, err = t.read(claims); err != nil {
		return nil, err
	}
	if seen.bound, err = binding(claims); err != nil {
		return nil, err
	}
	seen.keys, err = t.checkSignature(ctx, []byte(token), head)
	return seen, err
}

// checkSignature tells whether one of the issuer's keys signed a token, and gives the keys among which it is.
func (t *tokens) checkSignature(ctx context.Context, token []byte, head tokenHead) (*keySet, error) {
	set, err := t.keys.current(ctx)
	if err != nil {
		return nil, err
	}
	fitting := fit(set.keys, head.keyID, head.algorithm)
	if len(fitting) == 0 {
		// Perhaps the issuer has a new key.
		if set, err = t.keys.newer(ctx, set); err != nil {
			return nil, err
		}
		if fitting = fit(set.keys, head.keyID, head.algorithm); len(fitting) == 0 {
			return nil, refuseToken(causeUnknownSign, "is signed with a key that its issuer does not publish")
		}
	}
	for _, key := range fitting {
		if _, err := jws.Verify(token, jws.WithKey(head.algorithm, key), jws.WithCompact()); err == nil {
			return set, nil
		}
	}
	return nil, refuseToken(causeSignature, "has a signature that is not its issuer's")
}
