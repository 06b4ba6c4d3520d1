package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// ErrOtherPolicy is what an error wraps when a policy that was kept is not the one of its digest.
var ErrOtherPolicy = errors.New("the policy is another than its digest says")

// kept is a policy as it is kept to be asked again: one JSON document that anybody can read.
type kept struct {
	Modules map[string]string `json:"modules"` // by path, without tests
	Data    map[string]any    `json:"data"`
}

// Source returns the policy that the engine was made of, without its tests. The caller owns what it gets.
func (e *Engine) Source() Source {
	return Source{Modules: maps.Clone(e.source.Modules), Data: cloneData(e.source.Data)}
}

// Keep returns the policy of the engine as a document that [Open] makes an equal engine of, in any release that can read
// its rules.
func (e *Engine) Keep() ([]byte, error) {
	text, err := json.Marshal(kept(e.source))
	if err != nil {
		return nil, fmt.Errorf("keep policy: %w", err)
	}
	if _, err := read(text, e.digest); err != nil {
		return nil, fmt.Errorf("keep policy: %w", err) // data that is other data once it is JSON
	}
	return text, nil
}

// Open makes an engine of a policy that was kept. ErrOtherPolicy: it does not have the digest that it was kept under; a
// *ProblemsError: this release refuses it.
func Open(ctx context.Context, text []byte, digest string) (*Engine, error) {
	src, err := read(text, digest)
	if err != nil {
		return nil, fmt.Errorf("open policy: %w", err)
	}
	return Compile(ctx, src)
}

func read(text []byte, name string) (Source, error) {
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return Source{}, fmt.Errorf("%w: %w", ErrOtherPolicy, err)
	}
	src := Source(k)
	is, err := digest(src)
	if err == nil && is != name {
		err = fmt.Errorf("%w: it is %s, not %s", ErrOtherPolicy, is, name)
	}
	return src, err
}
