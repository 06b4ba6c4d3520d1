package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"cordon/guard"
)

// Issuer is whose tokens are accepted beside API keys.
type Issuer struct {
	// Name is what "iss" must be, Audience what "aud" must contain. Both are needed.
	Name     string
	Audience string
	// KeysURL is where the issuer's public keys are (a JWKS). Needed.
	KeysURL string
	// Algorithms are the signature algorithms that are accepted. None: RS256, PS256, ES256, ES384
	// and EdDSA. Those with a shared secret, and "none", never are.
	Algorithms []string
	// OrganizationClaim names the claim that limits a token to one organization. Empty: none does.
	OrganizationClaim string
	// Leeway is how far the issuer's clock may be from ours.
	Leeway time.Duration
	// Refresh is how old the keys may get before they are fetched again. 0: 15 minutes.
	Refresh time.Duration
	// Client fetches the keys. nil: one with a time limit.
	Client *http.Client
}

const (
	longestToken = 8 << 10
	largestKeys  = 1 << 20
	keysTimeout  = 5 * time.Second
	keysRetry    = 10 * time.Second // the soonest that a key id nobody knows makes us look again
	keysTrusted  = 24 * time.Hour   // the longest that keys are trusted which cannot be fetched again
	seenFor      = time.Minute      // how long a token that was verified is taken without verifying it
	mostSeen     = 10_000
	headerTypes  = " jwt at+jwt application/at+jwt " // of "typ": a token for another purpose has another
	scopeClaim   = "scope"
)

// errKeys: the issuer's keys cannot be had, so nobody can say whether a token is good.
var errKeys = fmt.Errorf("the issuer's keys cannot be fetched: %w", guard.ErrUnavailable)

// tokens verifies the tokens of an issuer.
type tokens struct {
	issuer Issuer
	now    func() time.Time
	log    *slog.Logger

	keys     atomic.Pointer[keySet]
	fetching sync.Mutex
	tried    time.Time // guarded by fetching

	mu        sync.RWMutex
	seen, old map[[sha256.Size]byte]*seenToken // two generations: the older one goes when the younger is full
}

type keySet struct {
	set jwk.Set
	at  time.Time
}

type seenToken struct {
	caller *guard.Caller
	until  time.Time
}

func newTokens(issuer *Issuer, now func() time.Time, log *slog.Logger) (*tokens, error) {
	if issuer == nil {
		return nil, nil
	}
	t := &tokens{issuer: *issuer, now: now, log: log, seen: map[[sha256.Size]byte]*seenToken{}}
	if t.issuer.Name == "" || t.issuer.Audience == "" || t.issuer.KeysURL == "" {
		return nil, errors.New("an issuer needs its name, an audience and the address of its keys")
	}
	if len(t.issuer.Algorithms) == 0 {
		t.issuer.Algorithms = []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"}
	}
	for _, name := range t.issuer.Algorithms {
		if algorithm, ok := jwa.LookupSignatureAlgorithm(name); !ok || algorithm.IsSymmetric() || name == "none" {
			return nil, fmt.Errorf("%q is no algorithm with a public key", name)
		}
	}
	if t.issuer.Refresh == 0 {
		t.issuer.Refresh = 15 * time.Minute
	}
	if t.issuer.Client == nil {
		t.issuer.Client = &http.Client{Timeout: keysTimeout}
	}
	return t, nil
}

// caller tells whose token it is; [errUnauthenticated]: nobody's that we trust.
func (t *tokens) caller(ctx context.Context, token string) (*guard.Caller, error) {
	if len(token) > longestToken || strings.Count(token, ".") != 2 {
		return nil, errUnauthenticated
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

func (t *tokens) verify(ctx context.Context, token string) (*guard.Caller, error) {
	keys := &fittingKeys{tokens: t}
	parsed, err := jwt.Parse([]byte(token),
		jwt.WithKeyProvider(keys), jwt.WithContext(ctx),
		jwt.WithIssuer(t.issuer.Name), jwt.WithAudience(t.issuer.Audience),
		jwt.WithRequiredClaim(jwt.ExpirationKey), jwt.WithRequiredClaim(jwt.SubjectKey),
		jwt.WithClock(jwt.ClockFunc(t.now)), jwt.WithAcceptableSkew(t.issuer.Leeway),
	)
	if keys.err != nil {
		return nil, keys.err
	}
	if err != nil {
		return nil, errUnauthenticated // why is the caller's to find out: it holds the token
	}
	caller := &guard.Caller{}
	caller.ID, _ = parsed.Subject()
	caller.ExpiresAt, _ = parsed.Expiration()
	if caller.ID == "" || len(caller.ID) > longestWord {
		return nil, errUnauthenticated
	}
	caller.Name = caller.ID
	if parsed.Has(scopeClaim) {
		var scope string
		if err := parsed.Get(scopeClaim, &scope); err != nil {
			return nil, errUnauthenticated
		}
		for _, s := range strings.Fields(scope) {
			if contains(guard.Scopes(), s) && !caller.May(s) {
				caller.Scopes = append(caller.Scopes, s)
			}
		}
	}
	if claim := t.issuer.OrganizationClaim; claim != "" && parsed.Has(claim) {
		// A limit that cannot be read must not become none.
		if err := parsed.Get(claim, &caller.Organization); err != nil || !guard.ValidID(caller.Organization) {
			return nil, errUnauthenticated
		}
	}
	return caller, nil
}

// fittingKeys gives the keys that a token may be signed with. The algorithm is pinned by us and by
// the key, never chosen by the token.
type fittingKeys struct {
	tokens *tokens
	err    error
}

func (f *fittingKeys) FetchKeys(ctx context.Context, sink jws.KeySink, signature *jws.Signature, _ *jws.Message) error {
	header := signature.ProtectedHeaders()
	algorithm, ok := header.Algorithm()
	if !ok || !contains(f.tokens.issuer.Algorithms, algorithm.String()) || header.Has(jws.CriticalKey) {
		return errUnauthenticated
	}
	if kind, ok := header.Type(); ok && !strings.Contains(headerTypes, " "+strings.ToLower(kind)+" ") {
		return errUnauthenticated // a token for another purpose
	}
	id, _ := header.KeyID()
	set, err := f.tokens.current(ctx, false)
	if err != nil {
		f.err = err
		return err
	}
	fitting := fit(set, id, algorithm)
	if len(fitting) == 0 {
		// Perhaps the issuer has a new key.
		if set, err = f.tokens.current(ctx, true); err == nil {
			fitting = fit(set, id, algorithm)
		}
	}
	for _, key := range fitting {
		sink.Key(algorithm, key)
	}
	return nil
}

func fit(set jwk.Set, id string, algorithm jwa.SignatureAlgorithm) []jwk.Key {
	var keys []jwk.Key
	for i := range set.Len() {
		key, _ := set.Key(i)
		keyID, _ := key.KeyID()
		use, used := key.KeyUsage()
		named, fixed := key.Algorithm()
		if id != "" && keyID != id || used && use != "sig" || fixed && named.String() != algorithm.String() {
			continue
		}
		if signs(key, algorithm.String()) {
			keys = append(keys, key)
		}
	}
	return keys
}

// signs tells whether a key is one of the algorithm's kind (RFC 7518, 3.1; RFC 8037): a key that does
// not say what it is for must not be tried with whatever a token asks for.
func signs(key jwk.Key, algorithm string) bool {
	switch public := key.(type) {
	case jwk.RSAPublicKey:
		return strings.HasPrefix(algorithm, "RS") || strings.HasPrefix(algorithm, "PS")
	case jwk.ECDSAPublicKey:
		curve, _ := public.Crv()
		return algorithm == map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "secp256k1": "ES256K"}[curve.String()]
	case jwk.OKPPublicKey:
		return algorithm == jwa.EdDSA().String()
	}
	return false
}

// current gives the issuer's keys, fetched again when they are old, or when again is set and that
// was not done a moment ago.
func (t *tokens) current(ctx context.Context, again bool) (jwk.Set, error) {
	have := t.keys.Load()
	now := t.now()
	if have != nil && !again && now.Sub(have.at) < t.issuer.Refresh {
		return have.set, nil
	}
	t.fetching.Lock()
	defer t.fetching.Unlock()
	if newer := t.keys.Load(); newer != have {
		return newer.set, nil // somebody else has just done it
	}
	if have == nil || now.Sub(t.tried) >= keysRetry {
		t.tried = now
		set, err := t.fetch(ctx)
		if err == nil {
			t.keys.Store(&keySet{set: set, at: now})
			return set, nil
		}
		t.log.Warn("the issuer's keys cannot be fetched", "error", err)
	}
	if have == nil || now.Sub(have.at) > keysTrusted {
		return nil, errKeys
	}
	return have.set, nil
}

func (t *tokens) fetch(ctx context.Context) (jwk.Set, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysTimeout) // others wait for it too
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.issuer.KeysURL, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := t.issuer.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, largestKeys))
	if err != nil {
		return nil, err
	}
	set, err := jwk.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	if set.Len() == 0 {
		return nil, errors.New("there are none")
	}
	return set, nil
}
