package server

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/lestrrat-go/jwx/v3/jwa"
)

const notJWT = "is no JWT; send an API key (ck_...) or a token of the issuer that this server trusts"

// tokenHead is what the header of a token says that is followed.
type tokenHead struct {
	algorithm jwa.SignatureAlgorithm
	keyID     string
}

// readHead reads the header of a token, in which nothing is followed but the names of the algorithm and of the key: the
// algorithms are ours to choose, and the keys the issuer's to publish. What would have us do otherwise is refused rather
// than passed over, since whoever made it expects that it is done.
func (t *tokens) readHead(token string) (tokenHead, error) {
	var head tokenHead
	parts := strings.Split(token, ".")
	switch {
	case len(parts) == 5:
		return head, refuseToken(causeMalformed, "is encrypted; send one that is signed alone")
	case len(parts) != 3:
		return head, refuseToken(causeMalformed, notJWT)
	case parts[2] == "":
		return head, refuseToken(causeMalformed, "is not signed")
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	if err != nil {
		return head, refuseToken(causeMalformed, notJWT)
	}
	members := map[string]jsontext.Value{}
	if err := json.Unmarshal(text, &members); err != nil { // a name twice is an error, too
		return head, refuseToken(causeMalformed, "has a header that cannot be read")
	}
	for _, foreign := range []string{"jku", "jwk", "x5u", "x5c"} {
		if members[foreign] != nil {
			return head, refuseToken(causeMalformed, "brings a key of its own ("+foreign+"); it must be signed with one that its issuer publishes")
		}
	}
	if members["crit"] != nil {
		return head, refuseToken(causeMalformed, "asks for extensions (crit), of which none is known here")
	}
	for _, other := range []string{"b64", "zip", "enc"} {
		if members[other] != nil {
			return head, refuseToken(causeMalformed, "is not packed as a JWT is ("+other+")")
		}
	}
	kind, typed := word(members["typ"])
	content, nested := word(members["cty"])
	name, named := word(members["alg"])
	id, known := word(members["kid"])
	head.keyID = id
	switch {
	case !named || !slices.Contains(t.issuer.Algorithms, name):
		return head, refuseToken(causeMalformed, "is not signed with an algorithm that is accepted here")
	case members["typ"] == nil && t.issuer.Profile,
		members["typ"] != nil && (!typed || !t.access(kind)):
		return head, refuseToken(causeMalformed, "was made for another purpose, as its typ says; send an access token")
	case members["cty"] != nil && (!nested || content != ""):
		return head, refuseToken(causeMalformed, "holds another one (cty)")
	case members["kid"] != nil && (!known || len(id) > longestWord):
		return head, refuseToken(causeMalformed, "has a key id (kid) that is none")
	}
	algorithm, _ := jwa.LookupSignatureAlgorithm(name) // it is one of ours
	head.algorithm = algorithm
	return head, nil
}

// access tells whether a type of token, as typ says it, is that of access tokens: one that was made for another purpose
// has another.
func (t *tokens) access(kind string) bool {
	switch strings.ToLower(kind) {
	case "at+jwt", "application/at+jwt": // RFC 9068
		return true
	case "jwt", "application/jwt": // what issuers say that are older
		return !t.issuer.Profile
	}
	return false
}

// word reads a string; false: it is none, or is not there.
func word(value jsontext.Value) (string, bool) {
	var text string
	if value.Kind() != '"' || json.Unmarshal(value, &text) != nil {
		return "", false
	}
	return text, true
}
