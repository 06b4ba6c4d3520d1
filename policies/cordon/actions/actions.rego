# METADATA
# title: What each action asks
# description: |
#   The table of `domain.md`, "What each action asks": by type of resource, by name. `access` is an administrator or a
#   limited user with a grant, `reception` the same for receiving mail, `admin` an administrator or legal
#   representative, `admin_or_oneself` one of those or the user themself, `member` any member. Other actions are
#   declared by the policy's words ("Words beyond these").
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
#   - data.cordon.words: schema.words
package cordon.actions

# METADATA
# description: what is asked, by type of resource and name of action, of Cordon's own actions
table := {
	"channel": {"use": "member"},
	"organization": {
		"view": "member",
		"change_organization": "admin",
		"change_settings": "admin",
		"add_user": "admin",
		"add_product": "admin",
		"create_support_code": "admin",
		"view_decisions": "admin",
	},
	"product": {
		"view": "access",
		"manage": "access",
		"block": "admin",
		"unblock": "admin",
		"start_maintenance": "admin",
		"end_maintenance": "admin",
		"receive_mail": "reception",
		"read_mail": "access",
		"send_mail": "access",
		"change_product": "admin",
		"remove": "admin",
	},
	"user": {
		"change_role": "admin",
		"change_grants": "admin",
		"remove": "admin",
		"secure": "admin",
		"block": "admin",
		"unblock": "admin",
		"change_profile": "admin_or_oneself",
	},
}

# METADATA
# scope: document
# description: what the question's action asks; empty when the type has no such action
asks contains table[input.resource.type][input.action.name]

asks contains declared.asks

# METADATA
# description: the question's action as the words of the policy declare it, where they declare it for the type
declared := data.cordon.words.actions[input.action.name] if {
	data.cordon.words.actions[input.action.name].on == input.resource.type
}

# METADATA
# description: the acts against a user that need a support code and a justification (`domain.md` U2, U5)
incident if {
	input.action.name in {"block", "unblock", "secure"}
	input.resource.type == "user"
}
