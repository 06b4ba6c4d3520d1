# METADATA
# title: An act against a user needs a support code
# description: |
#   To block, unblock or secure a user, the requester proves who they are (`domain.md` U2, U5). Said when the act was
#   asked without a code, and of an agent who only asks whether they may: they have shown none.
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: support_code_required
#   rank: 110
#   person:
#     en: "A support code of an administrator or legal representative is needed for this."
#     fr: "Un code de support d'un administrateur ou d'un représentant légal est nécessaire."
#     de: "Dafür ist ein Support-Code eines Administrators oder gesetzlichen Vertreters nötig."
#   administrator:
#     en: "Create a support code in your organization; without one, nothing is done to a user."
#     fr: "Créez un code de support dans votre organisation ; sans lui, rien n'est fait contre un utilisateur."
#     de: "Erstellen Sie einen Support-Code in Ihrer Organisation; ohne ihn geschieht nichts gegen einen Benutzer."
package cordon.rules.support_code_required

import data.cordon.actions

deny if {
	input.act.code == "missing"
	actions.incident
	not input.subject.kind == "host"
}

deny if {
	input.subject.kind == "agent"
	not input.act
	actions.incident
}
