# METADATA
# title: Maintenance and mail are for mail services alone
# description: |
#   Asked of a product of another kind (`domain.md` M2, and "What each action asks").
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: not_a_mail_service
#   rank: 60
#   person:
#     en: "This is only possible on a mail service."
#     fr: "Cela n'est possible que sur un service mail."
#     de: "Dies ist nur bei einem E-Mail-Dienst möglich."
#   administrator:
#     en: "Only mail services have mail and maintenance; to suspend the management of another product, block it."
#     fr: "Seuls les services mail ont des e-mails et une maintenance ; bloquez tout autre produit pour le suspendre."
#     de: "Nur E-Mail-Dienste haben E-Mails und Wartung; sperren Sie ein anderes Produkt, um es auszusetzen."
package cordon.rules.not_a_mail_service

deny if {
	input.action.name in {
		"start_maintenance",
		"end_maintenance",
		"receive_mail",
		"read_mail",
		"send_mail",
	}
	not input.resource.kind == "mail_service"
}
