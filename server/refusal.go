package server

import (
	"errors"

	"cordon/guard"
)

// Causes for which nobody is known by what a request brings: the labels of a metric.
const (
	causeMissing     = "missing"     // no key or token, or not one alone
	causeUnknownKey  = "key_unknown" // or it is wrong or revoked
	causeEndedKey    = "key_ended"   //
	causeNoIssuer    = "no_issuer"   // a token, and tokens are off
	causeMalformed   = "malformed"   // no token, or one that is not signed as is accepted
	causeExpired     = "expired"     // or not valid yet
	causeAudience    = "audience"    //
	causeIssuer      = "issuer"      //
	causeClaims      = "claims"      // they lack something, or it cannot be read
	causeUnknownSign = "signing_key" // the issuer does not publish it
	causeSignature   = "signature"   //
	causeUnavailable = "unavailable" // the store or the issuer's keys cannot be reached: a 503
	causeOther       = "other"       // of none of these: a fault of ours
)

// causes are all of them.
func causes() []string {
	return []string{causeMissing, causeUnknownKey, causeEndedKey, causeNoIssuer, causeMalformed, causeExpired, causeAudience,
		causeIssuer, causeClaims, causeUnknownSign, causeSignature, causeUnavailable, causeOther}
}

// unauthenticated says to a caller why nobody is known by what they sent, and to the metrics for which cause.
type unauthenticated struct {
	explained
	cause string
}

func (e *unauthenticated) Unwrap() error { return &e.explained }

// refuseCaller makes such an error.
func refuseCaller(cause, detail string) error {
	return &unauthenticated{explained{errUnauthenticated, detail}, cause}
}

// refuseToken says to whoever sent a token why it is not taken. It holds nothing that they could not
// read in the token themselves.
func refuseToken(cause, why string) error { return refuseCaller(cause, "the token "+why) }

// causeOf returns the cause of an error that authenticating gave.
func causeOf(err error) string {
	refused, ok := errors.AsType[*unauthenticated](err)
	switch {
	case ok:
		return refused.cause
	case errors.Is(err, guard.ErrKeyEnded):
		return causeEndedKey
	case errors.Is(err, guard.ErrUnauthenticated):
		return causeUnknownKey
	case kindOf(err) != &internal:
		return causeUnavailable
	}
	return causeOther
}
