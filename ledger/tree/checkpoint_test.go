package tree_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"cordon/ledger/tree"
)

func newKey(t *testing.T) *tree.Key {
	t.Helper()
	key, err := tree.NewKey(tree.DefaultOrigin)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestACheckpointIsASignedNoteOfThreeLines(t *testing.T) {
	key, head := newKey(t), grow(t, 300).head
	signed, err := key.Sign(head)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(key.Verifier().String())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if want := "cordon/log\n300\n" + head.Hash.String() + "\n"; opened.Text != want {
		t.Errorf("it says %q, want %q", opened.Text, want)
	}
	if got, err := key.Open(signed); err != nil || got != head {
		t.Errorf("it is read as %v %v, want %v", got, err, head)
	}
	again, err := tree.ParseKey(key.Private() + "\n")
	if err != nil || again.Verifier().String() != key.Verifier().String() {
		t.Errorf("the key read again is another: %v", err)
	}
}

// What a witness adds to a checkpoint is no matter of ours, and does not make it another.
func TestACheckpointMayHaveFurtherSignaturesAndLines(t *testing.T) {
	key, witness, head := newKey(t), newKey(t), grow(t, 3).head
	signer, err := note.NewSigner(witness.Private())
	if err != nil {
		t.Fatal(err)
	}
	own, err := note.NewSigner(key.Private())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: "cordon/log\n3\n" + head.Hash.String() + "\nan extension\n"}, own, signer)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := key.Open(signed); err != nil || got != head {
		t.Errorf("it is read as %v %v", got, err)
	}
}

func TestWhatIsNoCheckpointOfTheKeyIsRefused(t *testing.T) {
	key, other, head := newKey(t), newKey(t), grow(t, 3).head
	signed, err := key.Sign(head)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Sign(head)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(key.Private())
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string) []byte {
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	root := head.Hash.String()
	for name, checkpoint := range map[string][]byte{
		"nothing":              nil,
		"another key's":        foreign,
		"another size":         bytes.Replace(signed, []byte("\n3\n"), []byte("\n4\n"), 1),
		"half of it":           signed[:len(signed)/2],
		"another origin":       say("cordon/other\n3\n" + root + "\n"),
		"no size":              say("cordon/log\n\n" + root + "\n"),
		"a size with a zero":   say("cordon/log\n03\n" + root + "\n"),
		"a negative size":      say("cordon/log\n-3\n" + root + "\n"),
		"no root":              say("cordon/log\n3\n\n"),
		"a root that is short": say("cordon/log\n3\n" + root[4:] + "\n"),
		"two lines":            say("cordon/log\n3\n"),
		"a long one":           append(bytes.Clone(signed), strings.Repeat("— x AAAAAAA=\n", 10_000)...),
	} {
		if got, err := key.Open(checkpoint); err == nil {
			t.Errorf("%s is read as %v", name, got)
		}
	}
	if _, err := key.Open(foreign); !errors.Is(err, tree.ErrCorrupt) {
		t.Errorf("another key's is %v, want %v", err, tree.ErrCorrupt)
	}
}

func TestOriginsAndKeysThatAreNoneAreRefused(t *testing.T) {
	for _, origin := range []string{"", "two words", "a+b", "tab\t", strings.Repeat("a", 256), "höst"} {
		if _, err := tree.NewKey(origin); err == nil {
			t.Errorf("%q is an origin", origin)
		}
	}
	for _, text := range []string{"", "PRIVATE+KEY+", "PRIVATE+KEY+a+b+c", newKey(t).Verifier().String()} {
		if _, err := tree.ParseKey(text); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
	for _, text := range []string{"", "a+b+c", newKey(t).Private()} {
		if _, err := tree.ParseVerifier(text); err == nil {
			t.Errorf("%q is a verifier key", text)
		}
	}
}

func FuzzACheckpointIsReadWithoutHarm(f *testing.F) {
	key, err := tree.NewKey(tree.DefaultOrigin)
	if err != nil {
		f.Fatal(err)
	}
	signed, err := key.Sign(tree.Empty())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Fuzz(func(t *testing.T, checkpoint []byte) {
		if head, err := key.Open(checkpoint); err == nil && head != tree.Empty() {
			t.Errorf("%q was never signed", checkpoint)
		}
	})
}
