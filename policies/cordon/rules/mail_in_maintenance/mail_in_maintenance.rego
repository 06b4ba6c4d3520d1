# METADATA
# title: In maintenance nobody reads or sends mail
# description: |
#   The use of the addresses is suspended for everyone, whatever the role; reception goes on (`domain.md` M3).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: mail_in_maintenance
#   rank: 100
#   rests_on: [maintenance]
#   person:
#     en: "This mail service is in maintenance: mail is received, but can be neither read nor sent."
#     fr: "Ce service mail est en maintenance : les e-mails sont reçus, mais ne peuvent être ni lus ni envoyés."
#     de: "Dieser E-Mail-Dienst ist in Wartung: E-Mails kommen an, können aber weder gelesen noch gesendet werden."
#   administrator:
#     en: "Nobody can use the addresses of this mail service until an administrator ends its maintenance."
#     fr: "Les adresses de ce service mail sont inutilisables jusqu'à ce qu'un administrateur termine la maintenance."
#     de: "Niemand kann die Adressen dieses Dienstes nutzen, bis ein Administrator die Wartung beendet."
package cordon.rules.mail_in_maintenance

deny if {
	input.action.name in {"read_mail", "send_mail"}
	input.resource.maintenance
}
