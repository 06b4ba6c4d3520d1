package server

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/lestrrat-go/jwx/v3/jwt"

	"cordon/guard"
)

// scopeClaims are where issuers write scopes, as one string or as a list (RFC 8693, 4.2; scp is older). The first that
// is there counts.
var scopeClaims = [...]string{"scope", "scp"}

// read makes a caller of the claims of a token. It takes nobody's word for them: whoever calls
// checks the signature.
func (t *tokens) read(claims jwt.Token) (*guard.Caller, error) {
	if err := t.checkClaims(claims); err != nil {
		return nil, err
	}
	caller := &guard.Caller{Token: true}
	caller.ID, _ = claims.Subject()
	caller.ExpiresAt, _ = claims.Expiration()
	if caller.ID == "" || len(caller.ID) > longestWord || strings.ContainsFunc(caller.ID, unicode.IsControl) {
		return nil, refuseToken(causeClaims, "names nobody (sub)")
	}
	caller.Name = caller.ID
	scopes, err := scopesOf(claims)
	if err != nil {
		return nil, err
	}
	for _, scope := range scopes {
		s, ours := strings.CutPrefix(scope, t.issuer.ScopePrefix)
		if ours && slices.Contains(guard.Scopes(), s) && !caller.May(s) {
			caller.Scopes = append(caller.Scopes, s)
		}
	}
	claim := t.issuer.OrganizationClaim
	if claim == "" {
		return caller, nil
	}
	// A limit that is missing or cannot be read must not become none.
	if !claims.Has(claim) {
		return nil, refuseToken(causeClaims, "has no claim "+claim+", which names its organization; ask its issuer for one that has")
	}
	if err := claims.Get(claim, &caller.Organization); err != nil || !guard.ValidID(caller.Organization) {
		return nil, refuseToken(causeClaims, "has a claim "+claim+" that is no id of an organization")
	}
	return caller, nil
}

// scopesOf gives the scopes of a token; none where it says none.
func scopesOf(claims jwt.Token) ([]string, error) {
	for _, name := range scopeClaims {
		if !claims.Has(name) {
			continue
		}
		var text string
		if claims.Get(name, &text) == nil {
			return strings.Fields(text), nil
		}
		var list []any
		if claims.Get(name, &list) != nil {
			return nil, refuseToken(causeClaims, "has a "+name+" that is neither a string nor a list of strings")
		}
		scopes := make([]string, len(list))
		for i, member := range list {
			text, ok := member.(string)
			if !ok {
				return nil, refuseToken(causeClaims, "has a "+name+" that is neither a string nor a list of strings")
			}
			scopes[i] = text
		}
		return scopes, nil
	}
	return nil, nil
}

// checkClaims tells whether a token is of the issuer, for us, in force, and one for access.
func (t *tokens) checkClaims(claims jwt.Token) error {
	err := jwt.Validate(claims,
		jwt.WithIssuer(t.issuer.Name), jwt.WithAudience(t.issuer.Audience),
		jwt.WithRequiredClaim(jwt.ExpirationKey), jwt.WithRequiredClaim(jwt.SubjectKey),
		jwt.WithClock(jwt.ClockFunc(t.now)), jwt.WithAcceptableSkew(t.issuer.Leeway),
	)
	switch {
	case err == nil:
		return t.checkPurpose(claims)
	case errors.Is(err, jwt.InvalidIssuerError()):
		return refuseToken(causeIssuer, "is of another issuer (iss)")
	case errors.Is(err, jwt.InvalidAudienceError()):
		return refuseToken(causeAudience, "was made for another audience (aud)")
	case errors.Is(err, jwt.TokenExpiredError()):
		return refuseToken(causeExpired, "has expired (exp); get a new one from its issuer")
	case errors.Is(err, jwt.TokenNotYetValidError()), errors.Is(err, jwt.InvalidIssuedAtError()):
		return refuseToken(causeExpired, "is not valid yet (nbf, iat); where it should be, a clock is wrong")
	case !claims.Has(jwt.ExpirationKey):
		return refuseToken(causeClaims, "does not say when it ends (exp)")
	case !claims.Has(jwt.SubjectKey):
		return refuseToken(causeClaims, "names nobody (sub)")
	}
	return refuseToken(causeClaims, "has claims that are not valid")
}

// checkPurpose refuses what else an issuer signs with the same keys: issuers that write the same typ on everything tell
// their tokens apart by what is in them.
func (t *tokens) checkPurpose(claims jwt.Token) error {
	for _, name := range []string{"at_hash", "c_hash", "s_hash"} {
		if claims.Has(name) {
			return refuseToken(causeClaims, "is an ID token ("+name+"); send an access token")
		}
	}
	if claims.Has("events") {
		return refuseToken(causeClaims, "tells of an event (events); send an access token")
	}
	if !t.issuer.Profile {
		return nil
	}
	for _, name := range []string{"client_id", jwt.IssuedAtKey, jwt.JwtIDKey} {
		if !claims.Has(name) {
			return refuseToken(causeClaims, "lacks "+name+", which an access token has (RFC 9068)")
		}
	}
	var client string
	if claims.Get("client_id", &client) != nil || client == "" {
		return refuseToken(causeClaims, "has a client_id that names no client")
	}
	return nil
}

// binding gives the thumbprint of the certificate that whoever sends a token must show (RFC 8705, 3.1), "" for none. A
// token that is bound in another way is refused: whoever stole it could not use it elsewhere either.
func binding(claims jwt.Token) (string, error) {
	if !claims.Has("cnf") {
		return "", nil
	}
	var bound map[string]any
	if claims.Get("cnf", &bound) == nil && len(bound) == 1 {
		if thumbprint, ok := bound["x5t#S256"].(string); ok && thumbprint != "" {
			return thumbprint, nil
		}
	}
	return "", refuseToken(causeClaims, "is bound to a key (cnf) in a way that is not known here; certificates are (x5t#S256)")
}

// thumbprint is how a token names a certificate.
func thumbprint(certificate *x509.Certificate) string {
	if certificate == nil {
		return ""
	}
	sum := sha256.Sum256(certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
