# METADATA
# title: A blocked user is denied what needs a blocked channel
# description: |
#   Everything but mail is managed through the Manager, so every management action is denied (`domain.md` U3); mail is
#   read and sent, and a channel used, unless that channel is critical or named by the block (U4). Mail is received.
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: user_blocked
#   rank: 40
#   rests_on: [subject_blocks]
#   person:
#     en: "Your access to this organization is blocked; contact one of its administrators."
#     fr: "Votre accès à cette organisation est bloqué ; adressez-vous à l'un de ses administrateurs."
#     de: "Ihr Zugang zu dieser Organisation ist gesperrt; wenden Sie sich an einen ihrer Administratoren."
#   administrator:
#     en: "This user is blocked in your organization; the block is lifted with a support code and a justification."
#     fr: "Utilisateur bloqué dans votre organisation ; le déblocage exige un code de support et une justification."
#     de: "Dieser Benutzer ist in Ihrer Organisation gesperrt; Support-Code und Begründung heben die Sperre auf."
package cordon.rules.user_blocked

import data.cordon.channels

deny if {
	input.subject.blocked
	input.subject.kind == "user"
	not input.action.name in {"receive_mail", "read_mail", "send_mail", "use"}
}

deny if {
	input.action.name in {"read_mail", "send_mail"}
	input.subject.blocked
	input.subject.kind == "user"
	channels.denied(input.action.channel)
}

deny if {
	input.action.name == "use"
	input.subject.blocked
	input.subject.kind == "user"
	channels.denied(input.resource.channel)
}
