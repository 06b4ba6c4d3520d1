package tree

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxCheckpoint is how long a checkpoint may be that is read, with the signatures of its witnesses.
const maxCheckpoint = 64 << 10

// Sign returns the checkpoint of a head: a signed note (C2SP's tlog-checkpoint) of three lines, the origin, the size
// and the root.
func (k *Key) Sign(head Head) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%v\n", k.Origin(), head.N, head.Hash)}, k.signer)
	if err != nil {
		return nil, fmt.Errorf("sign a checkpoint: %w", err)
	}
	return signed, nil
}

// Open returns the head of a checkpoint that the key signed. Signatures of others, of witnesses, do no harm.
func (v Verifier) Open(checkpoint []byte) (Head, error) {
	if len(checkpoint) > maxCheckpoint {
		return Head{}, errors.New("a checkpoint is not that long")
	}
	opened, err := note.Open(checkpoint, note.VerifierList(v.verifier))
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified):
		return Head{}, fmt.Errorf("%w: the checkpoint is not signed by the key %s", ErrCorrupt, v)
	case err != nil:
		return Head{}, fmt.Errorf("%w: no checkpoint: %w", ErrCorrupt, err)
	}
	lines := strings.SplitN(opened.Text, "\n", 4)
	if len(lines) < 4 || lines[0] != v.Origin() {
		return Head{}, fmt.Errorf("%w: the checkpoint is not of %s", ErrCorrupt, v.Origin())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Head{}, fmt.Errorf("%w: the checkpoint has no size", ErrCorrupt)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil || root.String() != lines[2] {
		return Head{}, fmt.Errorf("%w: the checkpoint has no root", ErrCorrupt)
	}
	return Head{N: size, Hash: root}, nil
}

// Open returns the head of a checkpoint that the key signed.
func (k *Key) Open(checkpoint []byte) (Head, error) { return k.verifier.Open(checkpoint) }

// publicOf returns the verifier key of a private one: the same but for the seed, in the place of which it has the
// public key that follows from it.
func publicOf(private string) (string, error) {
	rest, ok := strings.CutPrefix(private, "PRIVATE+KEY+")
	name, rest, ok2 := strings.Cut(rest, "+")
	_, encoded, ok3 := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || !ok2 || !ok3 || err != nil || len(key) != 1+ed25519.SeedSize {
		return "", errors.New("no key of a log: it has no Ed25519 seed")
	}
	public, ok := ed25519.NewKeyFromSeed(key[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("no key of a log: it is no Ed25519 key")
	}
	return note.NewEd25519VerifierKey(name, public)
}
