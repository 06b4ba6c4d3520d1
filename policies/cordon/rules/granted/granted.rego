# METADATA
# title: A limited user works with granted products
# description: |
#   Collaborators and clients have access to the products granted to them (`domain.md` R1).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: granted
#   rank: 250
#   person:
#     en: "You have access to this product."
#     fr: "Vous avez accès à ce produit."
#     de: "Sie haben Zugriff auf dieses Produkt."
#   administrator:
#     en: "This product is granted to this user."
#     fr: "Ce produit est accordé à cet utilisateur."
#     de: "Dieses Produkt ist diesem Benutzer freigegeben."
package cordon.rules.granted

import data.cordon.actions
import data.cordon.subject

grant if {
	actions.asks.access
	subject.limited
	subject.by_grant
}
