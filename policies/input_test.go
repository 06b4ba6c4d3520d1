package policies_test

import (
	"testing"

	"cordon/policies"
)

// docs/domain.md, What each action asks.
func TestAnActionMeansWhatAQuestionLeavesOut(t *testing.T) {
	engine := compile(t, policies.Builtin())
	for _, on := range []string{policies.TypeProduct, policies.TypeUser, policies.TypeOrganization, policies.TypeChannel} {
		for _, name := range engine.Actions(on) {
			bare, said := policies.Action{Name: name}, policies.Action{Name: name}
			switch name {
			case "receive_mail", "read_mail", "send_mail":
				bare.Channel, said.Channel = policies.ChannelMailWeb, policies.ChannelIMAP
			case "change_role":
				bare.Role, said.Role = policies.RoleCollaborator, policies.RoleClient
			case "add_user":
				said.Role = policies.RoleClient
			}
			if got := policies.NewAction(name, "", ""); got != bare {
				t.Errorf("%s: got %+v, want %+v", name, got, bare)
			}
			if got := policies.NewAction(name, policies.ChannelIMAP, policies.RoleClient); got != said {
				t.Errorf("%s: got %+v, want %+v", name, got, said)
			}
		}
	}
}
