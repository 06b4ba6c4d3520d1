# METADATA
# title: A declared role is allowed what its declaration says
# description: |
#   Roles beyond Cordon's own are declared with what they are allowed without a grant (`domain.md`, "Words beyond
#   these").
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: role_permitted
#   rank: 255
#   person:
#     en: "Your role permits this."
#     fr: "Votre rôle le permet."
#     de: "Ihre Rolle erlaubt dies."
#   administrator:
#     en: "The policy declares that the role of this person permits this."
#     fr: "La politique déclare que le rôle de cette personne le permet."
#     de: "Die Richtlinie erklärt, dass die Rolle dieser Person dies erlaubt."
package cordon.rules.role_permitted

import data.cordon.actions
import data.cordon.subject

grant if {
	some _ in actions.asks
	subject.limited
	subject.by_role
}
