package guard

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"cordon/datastore"
)

// searchSecret is the name of the note that holds the secret of the tokens: replicas share it, and a token outlives a
// restart.
const searchSecret = "search/secret"

// searchPage is a page of a search: how long it is, where it begins, and what its tokens are bound to.
type searchPage struct {
	limit  int
	after  place
	secret []byte
	bound  []byte
}

// openPage reads the token of a search, if there is one. *Invalid: it is not of this search.
func (g *Guard) openPage(ctx context.Context, o *Origin, s *Search) (searchPage, error) {
	page := searchPage{limit: min(s.Limit, longestOfSearch)}
	secret, err := g.searchSecret(ctx)
	if err != nil {
		return page, err
	}
	page.secret, page.bound = secret, bound(o, s)
	if s.Token == "" {
		if page.limit <= 0 {
			page.limit = pageOfSearch
		}
		return page, nil
	}
	limit, after, ok := page.read(s.Token)
	if !ok { // or the store was set back meanwhile, and holds another secret
		g.secret.Store(nil)
		if page.secret, err = g.searchSecret(ctx); err != nil {
			return page, err
		}
		limit, after, ok = page.read(s.Token)
	}
	switch {
	case !ok:
		return page, &Invalid{Errors: []FieldError{{Pointer: "/page/token",
			Detail: "is no token of this search: with a token, ask what was asked before, as the same caller; without one, the search begins anew"}}}
	case page.limit > 0 && page.limit != limit:
		return page, &Invalid{Errors: []FieldError{{Pointer: "/page/limit",
			Detail: fmt.Sprintf("is not that of the page before, which was %d: leave it out, or begin anew without a token", limit)}}}
	}
	page.limit, page.after = limit, after
	return page, nil
}

// bound is what a token holds for: the caller, and all that was asked.
func bound(o *Origin, s *Search) []byte {
	h := sha256.New()
	kind := "key"
	if o.Caller.Token {
		kind = "token"
	}
	q := &s.Question
	for _, part := range []string{kind, o.Caller.ID, o.Caller.Organization, s.Set, s.Find,
		q.Subject.Type, q.Subject.ID, q.Action.Name, q.Action.Channel, q.Action.Role,
		q.Resource.Type, q.Resource.ID, q.Resource.Organization, string(s.Asked)} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// token names the next page. It is sealed: what it says is nobody's business (the last candidate may be one that was not
// found), and nobody can make one. Equal pages have equal tokens, so that equal searches have equal answers: the nonce is
// made of what is sealed, and of what it is bound to.
func (p *searchPage) token(last place) string {
	text := binary.AppendUvarint(nil, uint64(p.limit))
	for _, part := range []string{last.organization, last.id} {
		text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
	}
	seal := p.seal()
	nonce := p.derive("nonce", p.bound, text)[:seal.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(seal.Seal(slices.Clone(nonce), nonce, text, p.bound))
}

// read opens a token.
func (p *searchPage) read(token string) (limit int, last place, ok bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	seal := p.seal()
	if err != nil || len(sealed) < seal.NonceSize() {
		return 0, place{}, false
	}
	text, err := seal.Open(nil, sealed[:seal.NonceSize()], sealed[seal.NonceSize():], p.bound)
	if err != nil {
		return 0, place{}, false
	}
	from := bytes.NewReader(text)
	n, err := binary.ReadUvarint(from)
	organization, first := readPart(from)
	id, second := readPart(from)
	return int(n), place{organization, id}, err == nil && first && second && from.Len() == 0 && 0 < n && n <= longestOfSearch
}

func readPart(from *bytes.Reader) (string, bool) {
	n, err := binary.ReadUvarint(from)
	if err != nil || n > uint64(from.Len()) {
		return "", false
	}
	part := make([]byte, n)
	_, _ = from.Read(part) // it is there
	return string(part), true
}

func (p *searchPage) seal() cipher.AEAD {
	block, err := aes.NewCipher(p.derive("seal"))
	if err != nil {
		panic(err) // a sum is as long as a key
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the blocks that it needs
	}
	return seal
}

// derive makes 32 bytes of the secret for one use.
func (p *searchPage) derive(use string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, p.secret)
	h.Write([]byte(use))
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

// searchSecret returns the secret of the tokens, and makes it where there is none.
func (g *Guard) searchSecret(ctx context.Context) ([]byte, error) {
	if kept := g.secret.Load(); kept != nil {
		return *kept, nil
	}
	note, err := datastore.Get(ctx, g.store, datastore.Note{Name: searchSecret})
	if errors.Is(err, datastore.ErrNotFound) {
		err = g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
			note, err = datastore.Get(ctx, tx, datastore.Note{Name: searchSecret})
			if !errors.Is(err, datastore.ErrNotFound) {
				return err
			}
			note = datastore.Note{Name: searchSecret, Body: make([]byte, sha256.Size)}
			_, _ = rand.Read(note.Body) // it never fails
			return tx.Put(ctx, note)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the secret of searches: %w", err)
	}
	if len(note.Body) < sha256.Size {
		return nil, errors.New("the secret of searches is too short")
	}
	g.secret.Store(&note.Body)
	return note.Body, nil
}
