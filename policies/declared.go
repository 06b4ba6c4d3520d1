package policies

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Words are the roles, kinds of products and actions that a policy brings beyond Cordon's own, as data beside its rules.
type Words struct {
	Roles   map[string]DeclaredRole   `json:"roles"`
	Kinds   map[string]DeclaredKind   `json:"kinds"`
	Actions map[string]DeclaredAction `json:"actions"`
	// Retired are words that there were, and what stands for them now.
	Retired RetiredWords `json:"retired"`
}

// DeclaredRole is a role beyond the four. It has no rights but those of every member, of grants, and those said here.
type DeclaredRole struct {
	Title   map[string]string   `json:"title"`   // by language
	Allows  map[string][]string `json:"allows"`  // actions by type of resource, without a grant
	Granted []string            `json:"granted"` // what a grant gives; nil: all that asks for access
}

// DeclaredKind is a kind of products.
type DeclaredKind struct {
	Title map[string]string `json:"title"`
}

// DeclaredAction is an action beyond Cordon's own.
type DeclaredAction struct {
	Title        map[string]string `json:"title"`
	On           string            `json:"on"`            // the type of resource
	Asks         string            `json:"asks"`          // admin, access or member
	WhileBlocked string            `json:"while_blocked"` // allowed, or denied as empty is
}

// RetiredWords are the words that stand for those that there were, by the old ones.
type RetiredWords struct {
	Roles   map[string]string `json:"roles"`
	Kinds   map[string]string `json:"kinds"`
	Actions map[string]string `json:"actions"`
}

var wordPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// Words returns what the policy declares. The caller must not change it.
func (e *Engine) Words() *Words { return &e.words }

// Prepare gives an input the time of an instant, as the rules see it, and the policy's words.
func (e *Engine) Prepare(in *Input, at time.Time) {
	in.Time = e.Time(at)
	e.Current(in)
}

// Current gives an input the words that stand for those that the policy has retired. Whoever makes inputs of what is kept
// does so before it asks.
func (e *Engine) Current(in *Input) {
	retired := &e.words.Retired
	rename(retired.Roles, &in.Subject.Role, &in.Resource.Role, &in.Action.Role)
	rename(retired.Kinds, &in.Resource.Kind)
	rename(retired.Actions, &in.Action.Name)
}

func rename(words map[string]string, all ...*string) {
	if len(words) == 0 {
		return
	}
	for _, word := range all {
		if now, ok := words[*word]; ok {
			*word = now
		}
	}
}

// checkWords looks for words that cannot be meant: those that are Cordon's own, that nobody could write, that name what
// there is not, or that are retired and there all the same.
func checkWords(src Source, w *Words, v *vocabulary) error {
	out := &ProblemsError{}
	refuse := func(why string, at ...string) {
		out.Problems = append(out.Problems, src.problemAt(wordsFile, "words_error", append([]string{"words"}, at...), why))
	}
	own := map[string][]string{"roles": ownRoles(), "kinds": {KindMailService}, "actions": nil}
	for _, on := range []string{TypeProduct, TypeUser, TypeOrganization, TypeChannel} {
		for _, action := range v.actions[on] {
			if _, declared := w.Actions[action]; !declared {
				own["actions"] = append(own["actions"], action)
			}
		}
	}
	declared := map[string][]string{"roles": sortedKeys(w.Roles), "kinds": sortedKeys(w.Kinds), "actions": sortedKeys(w.Actions)}
	for _, noun := range []string{"actions", "kinds", "roles"} {
		for _, word := range declared[noun] {
			switch {
			case !wordPattern.MatchString(word):
				refuse("a word is up to 40 lower case letters, digits and _, the first a letter", noun, word)
			case slices.Contains(own[noun], word) || noun == "actions" && slices.Contains(v.own, word):
				refuse("this is one of Cordon's own", noun, word)
			}
		}
	}
	for _, name := range declared["actions"] {
		if a := w.Actions[name]; a.On != TypeProduct && (a.Asks == "access" || a.WhileBlocked != "") {
			refuse("access and blocks are of products alone", "actions", name)
		}
	}
	for _, name := range declared["roles"] {
		role := w.Roles[name]
		for _, on := range sortedKeys(role.Allows) {
			for i, action := range role.Allows[on] {
				if !slices.Contains(v.actions[on], action) {
					refuse("a "+on+" knows no action "+action+didYouMean(action, v.actions[on]), "roles", name, "allows", on, fmt.Sprint(i))
				}
			}
		}
		for i, action := range role.Granted {
			if !slices.Contains(v.actions[TypeProduct], action) {
				refuse("a product knows no action "+action+didYouMean(action, v.actions[TypeProduct]), "roles", name, "granted", fmt.Sprint(i))
			}
		}
	}
	for noun, retired := range map[string]map[string]string{"roles": w.Retired.Roles, "kinds": w.Retired.Kinds, "actions": w.Retired.Actions} {
		for _, old := range sortedKeys(retired) {
			now := retired[old]
			_, retiredToo := retired[now]
			switch {
			case slices.Contains(own[noun], old), slices.Contains(declared[noun], old):
				refuse("a word that there is cannot be retired", "retired", noun, old)
			case retiredToo:
				refuse(now+" is retired, too; name the word that stands for both", "retired", noun, old)
			case noun == "actions" && takesMore(now):
				refuse(now+" is asked about with a channel or a role, which questions about "+old+" do not have", "retired", noun, old)
			case noun == "roles" && (now == RoleAdministrator || now == RoleLegalRepresentative):
				refuse("nobody becomes an administrator by another name; give the role to whom it is to have", "retired", noun, old)
			case noun == "kinds" && now == KindMailService:
				refuse("nothing becomes a mail service by another name", "retired", noun, old)
			case noun != "kinds" && !slices.Contains(own[noun], now) && !slices.Contains(declared[noun], now):
				refuse("there is no "+strings.TrimSuffix(noun, "s")+" "+now+didYouMean(now, slices.Concat(own[noun], declared[noun])), "retired", noun, old)
			}
		}
	}
	if len(out.Problems) > 0 {
		slices.SortStableFunc(out.Problems, func(a, b Problem) int { return strings.Compare(a.Message, b.Message) })
		return out
	}
	return nil
}

// takesMore reports whether an action is asked about with more than its name: what the question does not say of one by
// another name would be lost, and a rule that denies for it would not hold.
func takesMore(action string) bool {
	return NewAction(action, ChannelMailWeb, RoleCollaborator) != Action{Name: action}
}

func ownRoles() []string {
	return []string{RoleLegalRepresentative, RoleAdministrator, RoleCollaborator, RoleClient}
}

func sortedKeys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }
