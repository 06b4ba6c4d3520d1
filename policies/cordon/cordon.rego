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
	denials != set()
} else := {"allowed": true, "reasons": grants} if {
	grants != set()
} else := {"allowed": false, "reasons": {"unknown_action"}}

# METADATA
# description: the codes of the rules that deny
denials contains code if data.cordon.rules[code].deny

# METADATA
# description: the codes of the rules that grant
grants contains code if data.cordon.rules[code].grant
