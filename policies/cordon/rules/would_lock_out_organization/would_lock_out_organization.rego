# METADATA
# title: An organization keeps somebody who can act
# description: |
#   A block, a removal or a change to a limited role is refused when it takes away the last unblocked administrator or
#   legal representative, whoever asks (`domain.md` R4).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: would_lock_out_organization
#   rank: 140
#   person:
#     en: "This would leave the organization without anyone who can administer it."
#     fr: "L'organisation n'aurait plus personne pour l'administrer."
#     de: "Die Organisation hätte dann niemanden mehr, der sie verwalten kann."
#   administrator:
#     en: "Appoint another administrator or legal representative first, or have one unblocked."
#     fr: "Nommez d'abord un autre administrateur ou représentant légal, ou faites-en débloquer un."
#     de: "Ernennen Sie zuerst einen weiteren Administrator oder gesetzlichen Vertreter, oder entsperren Sie einen."
package cordon.rules.would_lock_out_organization

import data.cordon.resource
import data.cordon.roles

deny if {
	input.action.name in {"block", "remove"}
	_only_one_left
}

deny if {
	input.action.name == "change_role"
	not _stays_admin
	_only_one_left
}

_stays_admin if input.action.role in roles.admin

_only_one_left if {
	input.resource.role in roles.admin
	not resource.blocked
	not input.organization.other_admins
}
