package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
)

// Issuer is whose tokens are accepted beside API keys.
type Issuer struct {
	// Name is what "iss" must be, Audience what "aud" must contain. Both are needed.
	Name     string
	Audience string
	// KeysURL is where the issuer's public keys are (a JWKS). Empty: the issuer's metadata says it (OpenID Connect
	// Discovery, RFC 8414), for which Name must be an https URL; on the loopback http will do.
	KeysURL string
	// Algorithms are the signature algorithms that are accepted. None: RS256, PS256, ES256, ES384
	// and EdDSA. Those with a shared secret, and "none", never are.
	Algorithms []string
	// Profile asks for access tokens as RFC 9068 has them: of the type at+jwt, with client_id, iat and jti.
	Profile bool
	// ScopePrefix is what stands before our scopes in those of a token, such as "cordon.": issuers that keep one
	// list of scopes for all their APIs have an "admin" of another meaning. Scopes without it are not ours.
	ScopePrefix string
	// OrganizationClaim names the claim that limits a token to one organization. A token without it
	// is refused, since a limit that is missing must not become none. Empty: no token is limited.
	OrganizationClaim string
	// Leeway is how far the issuer's clock may be from ours.
	Leeway time.Duration
	// Refresh is how often the keys are fetched again. 0: 15 minutes. Keys that cannot be fetched
	// again are trusted for a day.
	Refresh time.Duration
	// Client fetches the keys. nil: one that follows no redirect away from TLS.
	Client *http.Client
}

// Algorithms lists the signature algorithms that can be accepted: those with a public key.
func Algorithms() []string {
	var names []string
	for _, algorithm := range jwa.SignatureAlgorithms() {
		if name := algorithm.String(); !algorithm.IsSymmetric() && name != "none" {
			names = append(names, name)
		}
	}
	return names
}

// complete fills in what is absent, and refuses an issuer whose tokens could not be told from
// anybody's.
func (i *Issuer) complete() error {
	if i.Name == "" || i.Audience == "" {
		return errors.New("an issuer needs its name and an audience")
	}
	if i.KeysURL == "" && !trustworthy(i.Name) {
		return errors.New("an issuer needs the address of its keys, or a name that is an https URL, under which that is found")
	}
	if len(i.Algorithms) == 0 {
		i.Algorithms = []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"}
	}
	for _, name := range i.Algorithms {
		if !slices.Contains(Algorithms(), name) {
			return fmt.Errorf("%q is no algorithm with a public key", name)
		}
	}
	if i.Refresh == 0 {
		i.Refresh = 15 * time.Minute
	}
	if i.Client == nil {
		i.Client = &http.Client{CheckRedirect: stayOnTLS}
	}
	return nil
}

// trustworthy tells whether what is fetched there is of whom it says: by https, or from this machine.
func trustworthy(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// stayOnTLS follows a redirect only where nobody on the way could put other keys in place: whoever
// chooses the keys is the issuer.
func stayOnTLS(to *http.Request, via []*http.Request) error {
	if len(via) >= 3 {
		return errors.New("it is redirected too often")
	}
	if via[0].URL.Scheme == "https" && to.URL.Scheme != "https" {
		return &url.Error{Op: "redirect", URL: to.URL.Redacted(), Err: errors.New("it leaves TLS")}
	}
	return nil
}
