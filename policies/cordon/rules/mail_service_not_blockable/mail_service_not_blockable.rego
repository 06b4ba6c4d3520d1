# METADATA
# title: A mail service is not blocked but put into maintenance
# description: |
#   Nobody blocks or unblocks a mail service, the host neither: maintenance is the way (`domain.md` M1).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: mail_service_not_blockable
#   rank: 50
#   person:
#     en: "A mail service cannot be blocked; put it into maintenance instead."
#     fr: "Un service mail ne peut pas être bloqué ; mettez-le plutôt en maintenance."
#     de: "Ein E-Mail-Dienst kann nicht gesperrt werden; versetzen Sie ihn stattdessen in Wartung."
#   administrator:
#     en: "Start maintenance to suspend this mail service: mail is still received, but nobody can consult it."
#     fr: "Activez la maintenance pour suspendre ce service : la réception continue, la consultation est impossible."
#     de: "Starten Sie die Wartung, um diesen Dienst auszusetzen: E-Mails kommen an, können aber nicht gelesen werden."
package cordon.rules.mail_service_not_blockable

deny if {
	input.action.name in {"block", "unblock"}
	input.resource.type == "product"
	input.resource.kind == "mail_service"
}
