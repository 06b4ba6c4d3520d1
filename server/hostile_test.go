package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

func part64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// forge signs a header and claims as they stand, whatever is in them, with the issuer's own key.
func (i *issuer) forge(t *testing.T, header, claims string) string {
	t.Helper()
	var secret ecdsa.PrivateKey
	if err := jwk.Export(i.key, &secret); err != nil {
		t.Fatal(err)
	}
	signed := part64(header) + "." + part64(claims)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, &secret, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// The issuer's own key has signed most of these, so that it is what they say alone that refuses them.
func TestHostileTokens(t *testing.T) {
	var lured atomic.Int64
	lure := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { lured.Add(1) }))
	defer lure.Close()
	w, i := newIssuerWorld(t)
	now := i.time().Unix()
	// claims are those of a good token without one of them, and with more.
	claims := func(without, more string) string {
		var members []string
		for _, member := range []string{
			`"iss":"` + issuerName + `"`, `"aud":"` + audience + `"`, `"sub":"anna"`, fmt.Sprintf(`"iat":%d`, now),
			fmt.Sprintf(`"exp":%d`, now+600), `"scope":"directory"`, more,
		} {
			if member != "" && (without == "" || !strings.HasPrefix(member, `"`+without+`"`) || member == more) {
				members = append(members, member)
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	head := func(more string) string { return `{"alg":"ES256","kid":"one"` + more + `}` }
	said := func(without, more string) string { return i.forge(t, head(""), claims(without, more)) }
	shown := func(more string) string { return i.forge(t, head(more), claims("", "")) }
	good := said("", "")
	parts := strings.Split(good, ".")
	public, err := i.key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	own, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	mac := func(key []byte) string {
		signed := part64(`{"alg":"HS256","kid":"one"}`) + "." + part64(claims("", ""))
		sum := hmac.New(sha256.New, key)
		sum.Write([]byte(signed))
		return signed + "." + base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
	}
	for name, test := range map[string]struct{ token, why string }{
		"none, unsigned":             {part64(`{"alg":"none"}`) + "." + part64(claims("", "")) + ".", "is not signed"},
		"none, with a signature":     {i.forge(t, `{"alg":"none"}`, claims("", "")), "an algorithm that is accepted"},
		"nOnE":                       {i.forge(t, `{"alg":"nOnE"}`, claims("", "")), "an algorithm that is accepted"},
		"no alg":                     {i.forge(t, `{"kid":"one"}`, claims("", "")), "an algorithm that is accepted"},
		"alg is a list":              {i.forge(t, `{"alg":["ES256"]}`, claims("", "")), "an algorithm that is accepted"},
		"alg in another case":        {i.forge(t, `{"alg":"es256"}`, claims("", "")), "an algorithm that is accepted"},
		"HS256 with the public key":  {mac(own), "an algorithm that is accepted"},
		"HS256 with nothing":         {mac(nil), "an algorithm that is accepted"},
		"another algorithm's name":   {i.forge(t, `{"alg":"RS256","kid":"one"}`, claims("", "")), "does not publish"},
		"a kid nobody knows":         {i.forge(t, `{"alg":"ES256","kid":"two"}`, claims("", "")), "does not publish"},
		"a kid like a path":          {i.forge(t, `{"alg":"ES256","kid":"../../dev/null"}`, claims("", "")), "does not publish"},
		"a kid like a query":         {i.forge(t, `{"alg":"ES256","kid":"one' OR '1'='1"}`, claims("", "")), "does not publish"},
		"a kid in other letters":     {i.forge(t, `{"alg":"ES256","kid":"οne"}`, claims("", "")), "does not publish"},
		"a kid with a zero":          {i.forge(t, `{"alg":"ES256","kid":"one\u0000"}`, claims("", "")), "does not publish"},
		"a kid that is a number":     {i.forge(t, `{"alg":"ES256","kid":1}`, claims("", "")), "key id (kid) that is none"},
		"a kid without an end":       {i.forge(t, `{"alg":"ES256","kid":"`+strings.Repeat("k", 2000)+`"}`, claims("", "")), "key id (kid) that is none"},
		"jku":                        {shown(`,"jku":"` + lure.URL + `"`), "a key of its own (jku)"},
		"x5u":                        {shown(`,"x5u":"` + lure.URL + `"`), "a key of its own (x5u)"},
		"jwk, even the issuer's":     {shown(`,"jwk":` + string(own)), "a key of its own (jwk)"},
		"x5c":                        {shown(`,"x5c":["AAAA"]`), "a key of its own (x5c)"},
		"crit":                       {shown(`,"crit":["exp"],"exp":1`), "extensions (crit)"},
		"crit of nothing":            {shown(`,"crit":[]`), "extensions (crit)"},
		"b64=false":                  {shown(`,"b64":false`), "packed as a JWT is (b64)"},
		"b64=false and crit":         {shown(`,"b64":false,"crit":["b64"]`), "extensions (crit)"},
		"zipped":                     {shown(`,"zip":"DEF"`), "packed as a JWT is (zip)"},
		"alg twice":                  {i.forge(t, `{"alg":"none","alg":"ES256","kid":"one"}`, claims("", "")), "header that cannot be read"},
		"a header that is a list":    {i.forge(t, `["ES256"]`, claims("", "")), "header that cannot be read"},
		"a header of half a letter":  {i.forge(t, "{\"alg\":\"ES256\",\"x\":\"\xff\"}", claims("", "")), "header that cannot be read"},
		"typ of a logout":            {shown(`,"typ":"logout+jwt"`), "another purpose"},
		"typ of DPoP":                {shown(`,"typ":"dpop+jwt"`), "another purpose"},
		"typ empty":                  {shown(`,"typ":""`), "another purpose"},
		"typ null":                   {shown(`,"typ":null`), "another purpose"},
		"typ of two":                 {shown(`,"typ":"jwt at+jwt"`), "another purpose"},
		"nested":                     {i.forge(t, head(`,"cty":"JWT"`), good), "holds another one"},
		"nested, and says nothing":   {i.forge(t, head(""), good), "claims that cannot be read"},
		"encrypted":                  {part64(`{"alg":"RSA-OAEP","enc":"A256GCM"}`) + ".a.b.c.d", "is encrypted"},
		"two signatures, as JSON":    {`{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"},{}]}`, "is no JWT"},
		"two signatures, in a row":   {good + "." + parts[2], "is no JWT"},
		"the claims of another":      {parts[0] + "." + part64(claims("sub", `"sub":"root"`)) + "." + parts[2], "a signature that is not its issuer's"},
		"the signature cut":          {good[:len(good)-4], "a signature that is not its issuer's"},
		"a signature of zeros":       {parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)), "a signature that is not its issuer's"},
		"padding":                    {parts[0] + "=." + parts[1] + "." + parts[2], "is no JWT"},
		"100 KB":                     {good + strings.Repeat("A", 100<<10), "longer than 8 KiB"},
		"expired":                    {said("exp", fmt.Sprintf(`"exp":%d`, now-1)), "has expired"},
		"ended in 1969":              {said("exp", `"exp":-1`), "claims that cannot be read"},
		"exp is a word":              {said("exp", `"exp":"tomorrow"`), "claims that cannot be read"},
		"exp is missing":             {said("exp", ""), "when it ends"},
		"not before":                 {said("nbf", fmt.Sprintf(`"nbf":%d`, now+60)), "not valid yet"},
		"of the future":              {said("iat", fmt.Sprintf(`"iat":%d`, now+60)), "not valid yet"},
		"aud is missing":             {said("aud", ""), "another audience"},
		"aud is empty":               {said("aud", `"aud":[]`), "another audience"},
		"aud is of others":           {said("aud", `"aud":["cordon2","xcordon"]`), "another audience"},
		"aud in another case":        {said("aud", `"aud":"Cordon"`), "another audience"},
		"iss with a slash":           {said("iss", `"iss":"`+issuerName+`/"`), "of another issuer"},
		"iss is missing":             {said("iss", ""), "of another issuer"},
		"sub is empty":               {said("sub", `"sub":""`), "names nobody"},
		"sub is missing":             {said("sub", ""), "names nobody"},
		"sub of two lines":           {said("sub", `"sub":"anna\nroot"`), "names nobody"},
		"sub without an end":         {said("sub", `"sub":"`+strings.Repeat("a", 1025)+`"`), "names nobody"},
		"sub is a number":            {said("sub", `"sub":5`), "claims that cannot be read"},
		"sub twice":                  {said("", `"sub":"root"`), "claims that cannot be read"},
		"a claim within twice":       {said("", `"x":{"a":1,"a":2}`), "claims that cannot be read"},
		"scope is a number":          {said("scope", `"scope":7`), "neither a string nor a list"},
		"scope is an object":         {said("scope", `"scope":{"directory":true}`), "neither a string nor a list"},
		"scp is a list of lists":     {said("scope", `"scp":[["directory"]]`), "neither a string nor a list"},
		"an ID token":                {said("", `"at_hash":"x"`), "is an ID token"},
		"of a logout":                {said("", `"events":{"http://schemas.openid.net/event/backchannel-logout":{}}`), "tells of an event"},
		"bound to a key (DPoP)":      {said("", `"cnf":{"jkt":"x"}`), "is bound to a key"},
		"bound to a certificate":     {said("", `"cnf":{"x5t#S256":"x"}`), "a certificate (cnf) that its sender does not show"},
		"bound, one cannot say how":  {said("", `"cnf":[]`), "is bound to a key"},
		"claims that are a list":     {i.forge(t, head(""), `[]`), "claims that cannot be read"},
		"claims that are nothing":    {i.forge(t, head(""), ``), "claims that cannot be read"},
		"claims and something else":  {i.forge(t, head(""), claims("", "")+"{}"), "claims that cannot be read"},
		"claims 10,000 levels deep":  {i.forge(t, head(""), strings.Repeat(`[`, 5000)), "claims that cannot be read"},
		"a header of 4,000 brackets": {i.forge(t, strings.Repeat(`{"a":`, 600), "{}"), "header that cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do(t, http.MethodGet, acmePath, nil, bearer(test.token))
			if p := got.refused(t, http.StatusUnauthorized, "unauthenticated"); !strings.Contains(p.Detail, test.why) {
				t.Errorf("got detail %q, want %q in it", p.Detail, test.why)
			}
			if challenge := got.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `error="invalid_token"`) {
				t.Errorf("got WWW-Authenticate %q", challenge)
			}
		})
	}
	if lured.Load() != 0 {
		t.Errorf("an address of a token's own was asked %d times", lured.Load())
	}
	w.do(t, http.MethodGet, acmePath, nil, bearer(good)).want(t, http.StatusOK)
}

// An RSA key that can be found out signs for whoever finds it out.
func TestAShortKeyIsNotTrusted(t *testing.T) {
	w, i := newIssuerWorld(t)
	for bits, status := range map[int]int{1024: http.StatusUnauthorized, 2048: http.StatusOK} {
		secret, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		key := i.publish(t, secret, fmt.Sprint("rsa", bits))
		i.pass(time.Minute)
		token := i.sign(t, i.claims(t, "directory", nil), jwa.RS256(), key, nil)
		if got := w.do(t, http.MethodGet, acmePath, nil, token); got.status != status {
			t.Errorf("%d bits: got %d, want %d", bits, got.status, status)
		}
	}
}

// A key that is for encryption, for another algorithm or for secrets signs nothing.
func TestAKeyForSomethingElseIsNotTrusted(t *testing.T) {
	for name, change := range map[string]func(jwk.Key) error{
		"encryption":        func(k jwk.Key) error { return k.Set(jwk.KeyUsageKey, "enc") },
		"another algorithm": func(k jwk.Key) error { return k.Set(jwk.AlgorithmKey, jwa.ES384()) },
	} {
		t.Run(name, func(t *testing.T) {
			w, i := newIssuerWorld(t)
			secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			key := i.publish(t, secret, "odd")
			shown, _ := i.public.LookupKeyID("odd")
			if err := change(shown); err != nil {
				t.Fatal(err)
			}
			w.do(t, http.MethodGet, acmePath, nil, i.sign(t, i.claims(t, "directory", nil), jwa.ES256(), key, nil)).
				refused(t, http.StatusUnauthorized, "unauthenticated")
		})
	}
}
