# METADATA
# title: A blocked product is managed by nobody
# description: |
#   While a block stands, no user of the organization manages the product (`domain.md` B3; a setting may leave it to
#   administrators, and the policy that setting to the organization), renames or removes it ("What each action asks").
#   It is still seen, and the host is not bound. A declared action is as `manage`, unless it is said to be allowed.
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: product_blocked
#   rank: 90
#   rests_on: [resource_blocks]
#   person:
#     en: "The management of this product is blocked: nothing can be changed until it is unblocked."
#     fr: "La gestion de ce produit est bloquée : rien ne peut être modifié avant le déblocage."
#     de: "Die Verwaltung dieses Produkts ist gesperrt: Bis zur Entsperrung kann nichts geändert werden."
#   administrator:
#     en: "Unblock this product first; a block is lifted only by the side that set it, you or the host."
#     fr: "Débloquez d'abord ce produit ; un blocage n'est levé que par la partie qui l'a posé, vous ou l'hébergeur."
#     de: "Entsperren Sie zuerst dieses Produkt; eine Sperre hebt nur auf, wer sie gesetzt hat: Sie oder der Hoster."
package cordon.rules.product_blocked

import data.cordon.actions
import data.cordon.organization
import data.cordon.resource
import data.cordon.subject

deny if {
	input.action.name == "manage"
	resource.blocked
	not input.subject.kind == "host"
	not _left_to_administrators
}

deny if {
	input.action.name in {"change_product", "remove"}
	input.resource.type == "product"
	resource.blocked
	not input.subject.kind == "host"
}

deny if {
	actions.declared.on == "product"
	not actions.declared.while_blocked == "allowed"
	resource.blocked
	not input.subject.kind == "host"
	not _left_to_administrators
}

_left_to_administrators if {
	organization.administrators_manage_blocked_products
	subject.admin
}
