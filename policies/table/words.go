package table

import (
	"maps"
	"slices"

	"cordon/policies"
)

// words are what the inputs of a table are made of: all that one of the policies knows.
type words struct {
	types                  []string
	actions                map[string][]string // by type of resource
	roles, channels, kinds []string
	// What stands for all that no policy names.
	otherType, otherAction, otherRole, otherChannel, otherKind string
	times                                                      times
	chosen                                                     map[string]looked // settings of organizations
}

// wordsOf collects the words of policies: the built-in ones in the order of the domain, then the others by name.
func wordsOf(engines []*policies.Engine) (*words, error) {
	w := &words{
		actions:  map[string][]string{},
		roles:    []string{policies.RoleLegalRepresentative, policies.RoleAdministrator, policies.RoleCollaborator, policies.RoleClient},
		channels: engines[0].ClosedChannels(engines[0].Channels()),
		types:    []string{policies.TypeProduct, policies.TypeUser, policies.TypeOrganization, policies.TypeChannel},
		chosen:   map[string]looked{},
	}
	kinds, spoken := map[string]bool{policies.KindMailService: true}, slices.Clone(notKinds)
	for _, e := range engines {
		w.types, w.roles, w.channels = union(w.types, e.Types()), union(w.roles, e.Roles()), union(w.channels, e.Channels())
		for _, kind := range e.Kinds() {
			kinds[kind] = true
		}
		for _, on := range w.types {
			w.actions[on] = union(w.actions[on], e.Actions(on))
			for _, action := range w.actions[on] {
				spoken = append(spoken, action, e.Asks(on, action))
			}
		}
	}
	spoken = slices.Concat(spoken, w.types, w.roles, w.channels)
	all := slices.AppendSeq(slices.Clone(spoken), maps.Keys(kinds))
	otherwise := map[string]bool{} // what is said of other facts
	for _, word := range spoken {
		otherwise[word] = true
	}
	for _, e := range engines {
		said, err := constants(e.Source())
		if err != nil {
			return nil, err
		}
		all = append(all, said.words...)
		for _, word := range said.kinds {
			kinds[word] = true
		}
		for _, word := range said.near {
			if !otherwise[word] {
				kinds[word] = true
			}
		}
		w.times.add(e, said)
		for name, looked := range said.chosen {
			w.chosen[name] = w.chosen[name].and(looked)
		}
	}
	w.kinds = slices.Sorted(maps.Keys(kinds))
	w.otherType, w.otherAction, w.otherRole, w.otherChannel = unused(all, unknownType), unused(all, "fly"), unused(all, "boss"), unused(all, "pigeon")
	w.otherKind = unused(all, policies.KindWebHosting, policies.KindCloudServer, policies.KindDomain, policies.KindKDrive, "other")
	w.types = append(w.types, w.otherType)
	w.actions[w.otherType] = []string{"view"}
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
	policies.SettingAdministratorsManage, policies.SettingBlocksMustEnd, policies.SettingProductEventsTo, policies.ReasonUnknownAction,
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
