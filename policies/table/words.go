package table

import (
	"maps"
	"slices"

	"cordon/policies"
)

// words are what the inputs of a table are made of: all that one of the policies knows.
type words struct {
	actions                map[string][]string // by type of resource
	roles, channels, kinds []string
	otherKind              string // one that no policy names
	times                  times
}

// wordsOf collects the words of policies: the built-in ones in the order of the domain, then the others by name.
func wordsOf(engines []*policies.Engine) (*words, error) {
	w := &words{
		actions:  map[string][]string{unknownType: {"view"}},
		roles:    []string{policies.RoleLegalRepresentative, policies.RoleAdministrator, policies.RoleCollaborator, policies.RoleClient},
		channels: engines[0].ClosedChannels(engines[0].Channels()),
	}
	kinds, declared := map[string]bool{policies.KindMailService: true}, map[string]bool{}
	for _, e := range engines {
		for _, on := range []string{policies.TypeProduct, policies.TypeUser, policies.TypeOrganization, policies.TypeChannel} {
			w.actions[on] = union(w.actions[on], e.Actions(on))
		}
		for _, kind := range e.Kinds() {
			declared[kind] = true
		}
		w.roles, w.channels = union(w.roles, e.Roles()), union(w.channels, e.Channels())
		for _, kind := range e.Kinds() {
			kinds[kind] = true
		}
	}
	spoken := slices.Concat(slices.Concat(slices.Collect(maps.Values(w.actions))...), w.roles, w.channels, notKinds)
	for _, e := range engines {
		said, err := constants(e.Source())
		if err != nil {
			return nil, err
		}
		for _, word := range said.kinds {
			kinds[word] = kinds[word] || !slices.Contains(spoken, word)
		}
		w.times.add(e, said)
	}
	maps.Copy(kinds, declared)
	maps.DeleteFunc(kinds, func(_ string, is bool) bool { return !is })
	w.kinds = slices.Sorted(maps.Keys(kinds))
	w.otherKind = unused(w.kinds, "web_hosting", "cloud_server", "domain", "kdrive", "other")
	return w, nil
}

// unused returns the first of some names that is no word, or a longer one where all of them are.
func unused(words []string, names ...string) string {
	for _, name := range names {
		if !slices.Contains(words, name) {
			return name
		}
	}
	last := names[len(names)-1]
	for slices.Contains(words, last) {
		last += "_"
	}
	return last
}

// notKinds are words that rules about kinds say besides: they are of other facts.
var notKinds = []string{
	policies.TypeProduct, policies.TypeUser, policies.TypeOrganization, policies.TypeChannel,
	policies.SubjectAgent, policies.SubjectHost, policies.SubjectOther,
	policies.OriginAdministrator, policies.OriginSupport, policies.CodeMissing, policies.CodeInvalid, policies.CodeValid,
}

// union appends the words of a sorted list that are not there yet.
func union(list, more []string) []string {
	for _, word := range more {
		if !slices.Contains(list, word) {
			list = append(list, word)
		}
	}
	return list
}
