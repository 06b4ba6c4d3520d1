# METADATA
# title: An act against a user needs a written justification
# description: |
#   Without one, block, unblock and secure are refused to the requester and to the agent (`domain.md` U2, U5).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: justification_required
#   rank: 130
#   person:
#     en: "A written justification is needed for this."
#     fr: "Une justification écrite est nécessaire."
#     de: "Dafür ist eine schriftliche Begründung nötig."
#   administrator:
#     en: "State in writing why this is done to the user; the justification is kept on record."
#     fr: "Indiquez par écrit pourquoi cet acte vise l'utilisateur ; la justification est conservée."
#     de: "Geben Sie schriftlich an, warum dies geschieht; die Begründung wird aufbewahrt."
package cordon.rules.justification_required

import data.cordon.actions

deny if {
	input.act
	actions.incident
	not input.subject.kind == "host"
	not input.act.justification
}
