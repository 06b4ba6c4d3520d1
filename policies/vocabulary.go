package policies

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// vocabulary holds the words that a policy knows, as its own modules and settings define them.
type vocabulary struct {
	actions                   map[string][]string // by type of resource, sorted
	asks                      map[string]map[string]string
	own                       []string          // names of actions of the rules themselves, not declared, sorted
	names                     map[string]string // of all actions, to themselves
	roles, channels, critical []string          // sorted
}

// vocabularyTime is how long working out the words of a policy may take.
const vocabularyTime = 2 * time.Second

// readVocabulary asks a compiled policy for its words. A policy without them is refused: a preview that asks about no
// action would say that nobody loses anything.
func readVocabulary(ctx context.Context, compiler *ast.Compiler, store storage.Store, words *Words) (*vocabulary, error) {
	limited, cancel := context.WithTimeout(ctx, vocabularyTime)
	defer cancel()
	v := &vocabulary{actions: map[string][]string{}, names: map[string]string{}}
	var table map[string]map[string]string
	out := &ProblemsError{}
	for _, document := range []struct {
		path string
		into any
	}{
		{"data.cordon.actions.table", &table},
		{"data.cordon.roles.known", &v.roles},
		{"data.cordon.channels.known", &v.channels},
		{"data.cordon.channels.critical", &v.critical},
	} {
		results, err := rego.New(rego.Query(document.path), rego.Compiler(compiler), rego.Store(store)).Eval(limited)
		if ctx.Err() != nil { // whoever no longer waits is told nothing of the policy
			return nil, fmt.Errorf("read %s: %w", document.path, ctx.Err())
		}
		if topdown.IsCancel(err) && limited.Err() != nil {
			out.Problems = append(out.Problems, Problem{Code: "vocabulary_error", Message: document.path + " takes too long to be worked out"})
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", document.path, problems(err))
		}
		if len(results) == 0 {
			out.Problems = append(out.Problems, Problem{Code: "vocabulary_error", Message: document.path + " is undefined without an input"})
			continue
		}
		text, err := json.Marshal(results[0].Expressions[0].Value)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", document.path, err)
		}
		if err := json.Unmarshal(text, document.into); err != nil {
			out.Problems = append(out.Problems, Problem{Code: "vocabulary_error", Message: fmt.Sprintf("%s: %v", document.path, err)})
		}
	}
	for _, list := range [][]string{slices.Collect(maps.Keys(table)), v.roles, v.channels} {
		if slices.Contains(list, "") {
			out.Problems = append(out.Problems, Problem{Code: "vocabulary_error", Message: "an empty name is none: not of a type, a role or a channel"})
		}
	}
	for on, actions := range table {
		if _, nameless := actions[""]; nameless {
			out.Problems = append(out.Problems, Problem{Code: "vocabulary_error", Message: "an empty name is none: not of an action on a " + on})
		}
	}
	if len(out.Problems) > 0 {
		return nil, out
	}
	for name, actions := range table {
		v.actions[name] = slices.Sorted(maps.Keys(actions))
		for action := range actions {
			v.names[action] = action
		}
	}
	v.asks = table
	v.own = slices.Sorted(maps.Keys(v.names))
	for name, action := range words.Actions {
		v.actions[action.On] = slices.Compact(slices.Sorted(slices.Values(append(v.actions[action.On], name))))
		v.names[name] = name
		if v.asks[action.On] == nil {
			v.asks[action.On] = map[string]string{}
		}
		v.asks[action.On][name] = action.Asks
	}
	for _, list := range [][]string{v.roles, v.channels, v.critical} {
		slices.Sort(list)
	}
	return v, nil
}

// Types returns the types of resource that the policy's table lists, sorted. The caller owns the list.
func (e *Engine) Types() []string { return sortedKeys(e.vocabulary.actions) }

// Actions returns the names of the actions on a type of resource, sorted, as the policy's table lists them
// (`docs/domain.md`, "What each action asks"); none for a type that has no table. The caller owns the list.
func (e *Engine) Actions(resourceType string) []string {
	return slices.Clone(e.vocabulary.actions[resourceType])
}

// Asks returns what an action on a type of resource asks, as the policy's table and words have it: admin, access, member ...;
// "" for an action that the type does not know.
func (e *Engine) Asks(resourceType, action string) string {
	return e.vocabulary.asks[resourceType][action]
}

// Action returns the policy's own word for the name of an action, on whatever type of resource, and whether it knows
// it. Who keeps the word does not keep the request that it was asked in.
func (e *Engine) Action(name string) (string, bool) {
	word, ok := e.vocabulary.names[name]
	return word, ok
}

// Roles returns every role that the policy knows, sorted. The caller owns the list.
func (e *Engine) Roles() []string { return slices.Clone(e.vocabulary.roles) }

// Kinds returns the kinds of products that the policy's words declare, sorted: products may have others.
func (e *Engine) Kinds() []string { return sortedKeys(e.words.Kinds) }

// Channels returns every service channel that the policy knows, sorted. The caller owns the list.
func (e *Engine) Channels() []string { return slices.Clone(e.vocabulary.channels) }

// CriticalChannels returns the channels that a block of a user always closes, sorted: the three of `docs/domain.md` U3
// and those that the policy's settings add. The caller owns the list.
func (e *Engine) CriticalChannels() []string { return slices.Clone(e.vocabulary.critical) }

// ClosedChannels returns the channels that a block of a user closes: the critical ones, and those that it names
// (`docs/domain.md` U3, U4). They come in the order of `docs/domain.md`, "Words", and any others after them by name.
// The caller owns the list.
func (e *Engine) ClosedChannels(named []string) []string {
	order := []string{
		ChannelManager, ChannelKdriveWeb, ChannelMailWeb, ChannelIMAP, ChannelSMTP, ChannelFTP, ChannelSSH, ChannelDatabase,
	}
	place := func(channel string) int {
		if i := slices.Index(order, channel); i >= 0 {
			return i
		}
		return len(order)
	}
	closed := append(e.CriticalChannels(), named...)
	slices.SortFunc(closed, func(a, b string) int { return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b)) })
	return slices.Compact(closed)
}
