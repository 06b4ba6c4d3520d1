package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// ofExport is what signatures of manifests are of.
const ofExport = "export"

// SignData signs data that is no checkpoint, and that of a kind: the signature is that of a note with two lines, ORIGIN KIND
// and the SHA-256 of the data. Its first line is not the origin, so that nobody takes it for a checkpoint.
func (k *Key) SignData(kind string, data []byte) (string, error) {
	digest := sha256.Sum256(data)
	return k.signature(kind, digest[:])
}

// CheckData reports whether the key signed data of a kind.
func (v Verifier) CheckData(kind string, data []byte, signature string) bool {
	digest := sha256.Sum256(data)
	return v.checkSignature(kind, digest[:], signature)
}

func (k *Key) signature(kind string, digest []byte) (string, error) {
	text := signedText(k.Origin(), kind, digest)
	signed, err := note.Sign(&note.Note{Text: text}, k.signer)
	if err != nil {
		return "", fmt.Errorf("sign the %s of the log: %w", kind, err)
	}
	return string(bytes.TrimSpace(signed[len(text):])), nil
}

// checkSignature reports whether the key signed a digest, and the signature is written as it was: of base64 the last
// character can be another that means the same.
func (v Verifier) checkSignature(kind string, digest []byte, signature string) bool {
	encoded := signature[strings.LastIndexByte(signature, ' ')+1:]
	if _, err := base64.StdEncoding.Strict().DecodeString(encoded); err != nil {
		return false
	}
	text := signedText(v.Origin(), kind, digest)
	_, err := note.Open([]byte(text+"\n"+signature+"\n"), note.VerifierList(v.verifier))
	return err == nil
}

func signedText(origin, kind string, digest []byte) string {
	return fmt.Sprintf("%s %s\nsha256 %x\n", origin, kind, digest)
}
