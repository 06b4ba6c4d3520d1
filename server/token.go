package server

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"cordon/guard"
)

const (
	longestToken = 8 << 10
	seenFor      = time.Minute // how long a token that was verified is taken without verifying it
	mostSeen     = 10_000
	headerTypes  = " jwt at+jwt application/at+jwt " // of "typ": a token for another purpose has another
)

// tokens verifies the tokens of an issuer.
type tokens struct {
	issuer Issuer
	keys   *jwks
	now    func() time.Time

	mu        sync.RWMutex
	seen, old map[[sha256.Size]byte]*seenToken // two generations: the older one goes when the younger is full
}

type seenToken struct {
	caller *guard.Caller
	until  time.Time
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

// caller tells whose token it is. errUnauthenticated: nobody's that we trust, and why; errKeys: that
// cannot be told now.
func (t *tokens) caller(ctx context.Context, token string) (*guard.Caller, error) {
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
	if seen != nil && now.Before(seen.until) {
		return seen.caller, nil
	}
	caller, err := t.verify(ctx, token)
	if err != nil {
		return nil, err
	}
	until := now.Add(seenFor)
	if caller.ExpiresAt.Before(until) {
		until = caller.ExpiresAt
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.seen) >= mostSeen {
		t.old, t.seen = t.seen, map[[sha256.Size]byte]*seenToken{}
	}
	t.seen[sum] = &seenToken{caller: caller, until: until}
	return caller, nil
}

// verify looks at all that a token says before it looks for the key: what would be refused anyway,
// and what is not signed at all, asks nothing of the issuer.
func (t *tokens) verify(ctx context.Context, token string) (*guard.Caller, error) {
	if strings.HasSuffix(token, ".") {
		return nil, refuseToken(causeMalformed, "is not signed")
	}
	message, err := jws.Parse([]byte(token), jws.WithCompact())
	if err != nil || len(message.Signatures()) != 1 {
		return nil, refuseToken(causeMalformed, "is no JWT; send an API key (ck_...) or a token of the issuer that this server trusts")
	}
	signature := message.Signatures()[0]
	algorithm, err := t.checkHead(signature)
	if err != nil {
		return nil, err
	}
	claims := jwt.New()
	if err := json.Unmarshal(message.Payload(), claims); err != nil {
		return nil, refuseToken(causeClaims, "has claims that cannot be read")
	}
	caller, err := t.read(claims)
	if err != nil {
		return nil, err
	}
	id, _ := signature.ProtectedHeaders().KeyID()
	return caller, t.checkSignature(ctx, []byte(token), id, algorithm)
}

// checkHead gives the algorithm of a token that says it is signed, in a way that is accepted.
func (t *tokens) checkHead(signature *jws.Signature) (algorithm jwa.SignatureAlgorithm, err error) {
	header := signature.ProtectedHeaders()
	algorithm, ok := header.Algorithm()
	if !ok || !contains(t.issuer.Algorithms, algorithm.String()) {
		return algorithm, refuseToken(causeMalformed, "is not signed with an algorithm that is accepted here")
	}
	if header.Has(jws.CriticalKey) {
		return algorithm, refuseToken(causeMalformed, "asks for extensions (crit), of which none is known here")
	}
	if kind, ok := header.Type(); ok && !strings.Contains(headerTypes, " "+strings.ToLower(kind)+" ") {
		return algorithm, refuseToken(causeMalformed, "was made for another purpose, as its typ says; send an access token")
	}
	return algorithm, nil
}

// checkSignature tells whether one of the issuer's keys signed a token.
func (t *tokens) checkSignature(ctx context.Context, token []byte, id string, algorithm jwa.SignatureAlgorithm) error {
	set, err := t.keys.current(ctx)
	if err != nil {
		return err
	}
	fitting := fit(set.keys, id, algorithm)
	if len(fitting) == 0 {
		// Perhaps the issuer has a new key.
		if set, err = t.keys.newer(ctx, set); err != nil {
			return err
		}
		if fitting = fit(set.keys, id, algorithm); len(fitting) == 0 {
			return refuseToken(causeUnknownSign, "is signed with a key that its issuer does not publish")
		}
	}
	for _, key := range fitting {
		if _, err := jws.Verify(token, jws.WithKey(algorithm, key), jws.WithCompact()); err == nil {
			return nil
		}
	}
	return refuseToken(causeSignature, "has a signature that is not its issuer's")
}
