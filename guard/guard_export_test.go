package guard

import (
	"context"
	"encoding/base64"
)

// WriteUses writes at once when keys were last used.
func (g *Guard) WriteUses(ctx context.Context) error { return g.writeUses(ctx) }

// Looks returns a look at a figure that is counted each 5 seconds, if it can be.
func Looks(count func(context.Context) (string, error)) func(context.Context) (string, error) {
	f := figure[string]{every: countEvery, count: count}
	return f.look
}

// SearchTokens seals and reads tokens of searches as with a secret of zeros.
type SearchTokens struct{ page searchPage }

// NewSearchTokens makes tokens for one search.
func NewSearchTokens(bound string) *SearchTokens {
	return &SearchTokens{searchPage{secret: make([]byte, 32), bound: []byte(bound)}}
}

// Token names the page of a limit behind a place.
func (s *SearchTokens) Token(limit int, organization, id string) string {
	s.page.limit = limit
	return s.page.token(place{organization, id})
}

// Read opens a token.
func (s *SearchTokens) Read(token string) (limit int, organization, id string, ok bool) {
	limit, after, ok := s.page.read(token)
	return limit, after.organization, after.id, ok
}

// Seal makes a token of anything, as whoever had the secret could.
func (s *SearchTokens) Seal(text []byte) string {
	seal := s.page.seal()
	nonce := make([]byte, seal.NonceSize())
	return base64.RawURLEncoding.EncodeToString(seal.Seal(nonce, nonce, text, s.page.bound))
}
