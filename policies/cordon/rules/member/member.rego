# METADATA
# title: What every member may do
# description: |
#   See the organization, use a channel, change one's own profile (`domain.md`, "Reasons").
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: member
#   rank: 220
#   person:
#     en: "You may do this as a member of the organization."
#     fr: "Vous y êtes autorisé en tant que membre de l'organisation."
#     de: "Sie dürfen dies als Mitglied der Organisation."
#   administrator:
#     en: "Every member of the organization may do this."
#     fr: "Tout membre de l'organisation y est autorisé."
#     de: "Das darf jedes Mitglied der Organisation."
package cordon.rules.member

import data.cordon.actions

grant if {
	actions.asks.member
	input.subject.kind == "user"
}

grant if {
	actions.asks.admin_or_oneself
	input.subject.itself
	input.subject.kind == "user"
}
