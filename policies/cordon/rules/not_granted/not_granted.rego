# METADATA
# title: A limited user has access to granted products only
# description: |
#   Said of a collaborator or client who asks to see, manage or mail with a product that is not granted
#   to them (`domain.md` R1).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: not_granted
#   rank: 80
#   person:
#     en: "You have no access to this product; ask an administrator for it."
#     fr: "Vous n'avez pas accès à ce produit ; demandez-le à un administrateur."
#     de: "Sie haben keinen Zugriff auf dieses Produkt; bitten Sie einen Administrator darum."
#   administrator:
#     en: "This user has limited rights and no access to this product; grant it to let them work with it."
#     fr: "Cet utilisateur a des droits limités et n'a pas accès à ce produit ; accordez-le-lui si nécessaire."
#     de: "Dieser Benutzer mit eingeschränkten Rechten hat keinen Zugriff auf dieses Produkt; Sie können ihn erteilen."
package cordon.rules.not_granted

import data.cordon.actions
import data.cordon.subject

deny if {
	subject.limited
	not subject.has_access
	some what in {"access", "reception"}
	actions.asks[what]
}
