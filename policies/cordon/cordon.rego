# METADATA
# title: Cordon's decision
# description: |
#   Gathers what the rules say. A rule is a directory under `rules` that defines `deny` or `grant`; its code is the last
#   part of its package. A deny anywhere beats every grant, and nothing granted means no.
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
package cordon

# METADATA
# description: the answer, and the codes of the reasons for it; the engine orders them by rank
# entrypoint: true
decision := {"allowed": false, "reasons": denials} if {
	count(denials) > 0
} else := {"allowed": true, "reasons": grants} if {
	count(grants) > 0
} else := {"allowed": false, "reasons": {"unknown_action"}}

# METADATA
# description: the codes of the rules that deny
denials := {refusal} if {
	refusal
} else := {code | data.cordon.rules[code].deny}

# METADATA
# description: the codes of the rules that grant
grants := {code | data.cordon.rules[code].grant}

# METADATA
# description: |
#   the reason that stands alone, if one does: a stranger learns nothing of a product's state
#   (`domain.md`, "Reasons")
refusal := "unknown_action" if {
	data.cordon.rules.unknown_action.deny
} else := "unknown_resource" if {
	data.cordon.rules.unknown_resource.deny
} else := "not_a_member" if {
	data.cordon.rules.not_a_member.deny
}
