package server

import (
	"slices"

	"cordon.example/client"
	"cordon/guard"
)

// listWords answers the words of the policy in force. They change with the policy alone.
func listWords(c *call) error {
	policy := c.server.config.Guard.Policy()
	return c.answerCatalogue(policy.Digest(), func() any {
		declared := policy.Words()
		words := client.Words{
			Policy: policy.Digest(), Roles: []client.RoleWord{}, Kinds: []client.KindWord{}, Actions: []client.ActionWord{}, Channels: []client.ChannelWord{},
			Retired: client.RetiredWords(declared.Retired),
		}
		for _, name := range guard.RolesOf(policy) {
			role, is := declared.Roles[name]
			words.Roles = append(words.Roles, client.RoleWord{Name: name, Declared: is, Title: role.Title, Allows: role.Allows, Granted: role.Granted})
		}
		for _, name := range append([]string{guard.MailService}, policy.Kinds()...) {
			kind, is := declared.Kinds[name]
			words.Kinds = append(words.Kinds, client.KindWord{Name: name, Declared: is, Title: kind.Title})
		}
		for _, on := range client.Types() {
			for _, name := range policy.Actions(on) {
				word := client.ActionWord{Name: name, On: on, Asks: policy.Asks(on, name)}
				if action, is := declared.Actions[name]; is {
					word.Declared, word.WhileBlocked, word.Title = true, action.WhileBlocked, action.Title
				}
				words.Actions = append(words.Actions, word)
			}
		}
		for _, name := range policy.ClosedChannels(policy.Channels()) {
			words.Channels = append(words.Channels, client.ChannelWord{Name: name, Critical: slices.Contains(policy.CriticalChannels(), name)})
		}
		return words
	})
}
