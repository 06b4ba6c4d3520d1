# METADATA
# title: What asks for an administrator is refused to others
# description: |
#   Limited roles do what asks for no administrator, and their own profile (`domain.md` B1, B2, M2); a support agent,
#   who has no role at all, only carries out block, unblock and secure on a user ("Whose block it is").
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: role_not_permitted
#   rank: 70
#   person:
#     en: "Your role does not permit this; ask an administrator or the legal representative."
#     fr: "Votre rôle ne le permet pas ; adressez-vous à un administrateur ou au représentant légal."
#     de: "Ihre Rolle erlaubt dies nicht; fragen Sie einen Administrator oder den gesetzlichen Vertreter."
#   administrator:
#     en: "Only administrators and legal representatives of the organization may do this; this person is neither."
#     fr: "Seuls les administrateurs et représentants légaux de l'organisation y sont autorisés, pas cette personne."
#     de: "Das dürfen nur Administratoren und gesetzliche Vertreter der Organisation; diese Person nicht."
package cordon.rules.role_not_permitted

import data.cordon.actions
import data.cordon.subject

deny if {
	actions.asks.admin
	subject.limited
	not subject.by_role
}

deny if {
	actions.asks.admin_or_oneself
	subject.limited
	not input.subject.itself
	not subject.by_role
}

deny if {
	input.subject.kind == "agent"
	not actions.incident
}
