package server

import (
	"errors"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwt"

	"cordon/guard"
)

const scopeClaim = "scope"

// read makes a caller of the claims of a token. It takes nobody's word for them: whoever calls
// checks the signature.
func (t *tokens) read(claims jwt.Token) (*guard.Caller, error) {
	if err := t.checkClaims(claims); err != nil {
		return nil, err
	}
	caller := &guard.Caller{Token: true}
	caller.ID, _ = claims.Subject()
	caller.ExpiresAt, _ = claims.Expiration()
	if caller.ID == "" || len(caller.ID) > longestWord {
		return nil, refuseToken(causeClaims, "names nobody (sub)")
	}
	caller.Name = caller.ID
	if claims.Has(scopeClaim) {
		var scope string
		if err := claims.Get(scopeClaim, &scope); err != nil {
			return nil, refuseToken(causeClaims, "has a scope that is no string")
		}
		for _, s := range strings.Fields(scope) {
			if contains(guard.Scopes(), s) && !caller.May(s) {
				caller.Scopes = append(caller.Scopes, s)
			}
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

// checkClaims tells whether a token is of the issuer, for us, and in force.
func (t *tokens) checkClaims(claims jwt.Token) error {
	err := jwt.Validate(claims,
		jwt.WithIssuer(t.issuer.Name), jwt.WithAudience(t.issuer.Audience),
		jwt.WithRequiredClaim(jwt.ExpirationKey), jwt.WithRequiredClaim(jwt.SubjectKey),
		jwt.WithClock(jwt.ClockFunc(t.now)), jwt.WithAcceptableSkew(t.issuer.Leeway),
	)
	switch {
	case err == nil:
		return nil
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
