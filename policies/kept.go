package policies

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ErrOtherPolicy is what an error wraps when a policy that was kept is not the one of its digest.
var ErrOtherPolicy = errors.New("the policy is another than its digest says")

// kept is a policy as it is kept to be asked again: one JSON document that anybody can read.
type kept struct {
	Files map[string]string `json:"files"`
	// Modules, without tests, and Data are how releases before versions kept it, under a digest of these two.
	Modules map[string]string `json:"modules"`
	Data    map[string]any    `json:"data"`
}

// Source returns the policy that the engine was made of. The caller owns what it gets.
func (e *Engine) Source() Source { return e.source.clone() }

// Keep returns the policy as a document that [ReadKept] and [Open] read again, in any release.
func (s Source) Keep() ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("keep policy: %w", err)
	}
	if _, err := ReadKept(text, s.Digest()); err != nil {
		return nil, fmt.Errorf("keep policy: %w", err) // text that is other text once it is JSON
	}
	return text, nil
}

// ReadKept reads a policy that was kept under a digest. ErrOtherPolicy: it is another.
func ReadKept(text []byte, digest string) (Source, error) {
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return Source{}, fmt.Errorf("%w: %w", ErrOtherPolicy, err)
	}
	src := Source{Files: k.Files}
	is := src.Digest()
	if k.Files == nil {
		var err error
		if src, is, err = k.former(); err != nil {
			return Source{}, err
		}
	}
	if is != digest {
		return Source{}, fmt.Errorf("%w: it is %s, not %s", ErrOtherPolicy, is, digest)
	}
	return src, nil
}

// former returns a policy as it was kept before, and the digest that it had then.
func (k *kept) former() (Source, string, error) {
	src := Source{Files: maps.Clone(k.Modules)}
	if src.Files == nil {
		src.Files = map[string]string{}
	}
	sum := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(k.Modules)) {
		writePart(sum, path)
		writePart(sum, k.Modules[path])
	}
	all, err := json.Marshal(k.Data) // sorts the keys
	if err != nil {
		return Source{}, "", fmt.Errorf("render policy data: %w", err)
	}
	writePart(sum, string(all))
	file, data := "data.json", any(k.Data)
	if cordon, ok := k.Data["cordon"].(map[string]any); ok && len(k.Data) == 1 {
		file, data = settingsFile, cordon
	}
	text, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		return Source{}, "", fmt.Errorf("render policy data: %w", err)
	}
	src.Files[file] = string(text) + "\n"
	return src, "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// Open makes an engine of a policy that was kept. ErrOtherPolicy: it does not have the digest that it was kept under; a
// *ProblemsError: this release refuses it.
func Open(ctx context.Context, text []byte, digest string) (*Engine, error) {
	src, err := ReadKept(text, digest)
	if err != nil {
		return nil, fmt.Errorf("open policy: %w", err)
	}
	return compile(ctx, src, digest)
}
