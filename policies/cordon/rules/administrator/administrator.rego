# METADATA
# title: An administrator has all rights
# description: |
#   Administrators manage everything of their organization (`domain.md` B1, R2).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: administrator
#   rank: 240
#   person:
#     en: "You may do this as an administrator of the organization."
#     fr: "Vous y êtes autorisé en tant qu'administrateur de l'organisation."
#     de: "Sie dürfen dies als Administrator der Organisation."
#   administrator:
#     en: "Administrators have all rights in the organization."
#     fr: "Les administrateurs ont tous les droits dans l'organisation."
#     de: "Administratoren haben alle Rechte in der Organisation."
package cordon.rules.administrator

import data.cordon.actions

grant if {
	input.subject.role == "administrator"
	input.subject.kind == "user"
	some what in {"access", "admin"}
	actions.asks[what]
}

grant if {
	input.subject.role == "administrator"
	input.subject.kind == "user"
	actions.asks.admin_or_oneself
	not input.subject.itself
}
