package tree

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// DefaultOrigin is the first line of the checkpoints of a log that was given no name of its own.
const DefaultOrigin = "cordon/log"

// Key signs checkpoints with Ed25519. Its name is the origin of its checkpoints.
type Key struct {
	private  string
	signer   note.Signer
	verifier Verifier
}

// Verifier checks what a [Key] signed. Its text is a verifier key: one line, that of golang.org/x/mod/sumdb/note.
type Verifier struct {
	text     string
	verifier note.Verifier
}

// NewKey makes a key.
func NewKey(origin string) (*Key, error) {
	if err := CheckOrigin(origin); err != nil {
		return nil, err
	}
	private, _, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, fmt.Errorf("make the key of the log: %w", err)
	}
	return ParseKey(private)
}

// ParseKey reads a key as [Key.Private] writes it.
func ParseKey(private string) (*Key, error) {
	private = strings.TrimSpace(private)
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, errors.New("no key of a log: it is one line, PRIVATE+KEY+<origin>+<hash>+<base64>, of an Ed25519 key")
	}
	public, err := publicOf(private)
	if err != nil {
		return nil, err
	}
	verifier, err := ParseVerifier(public)
	if err != nil {
		return nil, err
	}
	return &Key{private: private, signer: signer, verifier: verifier}, nil
}

// ParseVerifier reads a verifier key.
func ParseVerifier(text string) (Verifier, error) {
	text = strings.TrimSpace(text)
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return Verifier{}, errors.New("no verifier key: it is one line, <origin>+<hash>+<base64>, as \"cordon audit key\" prints it")
	}
	return Verifier{text: text, verifier: verifier}, nil
}

// CheckOrigin reports what is wrong with the origin of a log.
func CheckOrigin(origin string) error {
	if origin == "" || len(origin) > 255 || strings.ContainsFunc(origin, func(r rune) bool { return r <= ' ' || r == '+' || r > '~' }) {
		return errors.New("the origin of a log is of 1 to 255 printable ASCII characters without a space and a plus, like log.example.com/cordon")
	}
	return nil
}

// Private returns the secret of the key in one line.
func (k *Key) Private() string { return k.private }

// Origin returns the name of the key.
func (k *Key) Origin() string { return k.signer.Name() }

// Verifier returns what checks the key's signatures.
func (k *Key) Verifier() Verifier { return k.verifier }

// Origin returns the name of the key.
func (v Verifier) Origin() string { return v.verifier.Name() }

// String returns the verifier key.
func (v Verifier) String() string { return v.text }
