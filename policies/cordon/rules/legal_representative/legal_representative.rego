# METADATA
# title: A legal representative has all rights
# description: |
#   Legal representatives manage everything of their organization (`domain.md` B1, R2).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: legal_representative
#   rank: 230
#   person:
#     en: "You may do this as a legal representative of the organization."
#     fr: "Vous y êtes autorisé en tant que représentant légal de l'organisation."
#     de: "Sie dürfen dies als gesetzlicher Vertreter der Organisation."
#   administrator:
#     en: "Legal representatives have all rights in the organization."
#     fr: "Les représentants légaux ont tous les droits dans l'organisation."
#     de: "Gesetzliche Vertreter haben alle Rechte in der Organisation."
package cordon.rules.legal_representative

import data.cordon.actions

grant if {
	input.subject.role == "legal_representative"
	input.subject.kind == "user"
	some what in {"access", "admin"}
	actions.asks[what]
}

grant if {
	input.subject.role == "legal_representative"
	input.subject.kind == "user"
	actions.asks.admin_or_oneself
	not input.subject.itself
}
