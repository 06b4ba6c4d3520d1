# METADATA
# title: Mail is always received
# description: |
#   Whoever has access to a mail service receives mail: in maintenance (`domain.md` M3) and while blocked too.
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: mail_reception
#   rank: 210
#   person:
#     en: "Your mail is received, during maintenance too."
#     fr: "Vos e-mails sont reçus, même pendant une maintenance."
#     de: "Ihre E-Mails kommen an, auch während einer Wartung."
#   administrator:
#     en: "Everyone with access to a mail service receives mail, during maintenance and while blocked too."
#     fr: "Toute personne ayant accès à un service mail reçoit ses e-mails, même en maintenance ou bloquée."
#     de: "Wer Zugriff auf einen E-Mail-Dienst hat, empfängt E-Mails, auch während Wartung oder Sperre."
package cordon.rules.mail_reception

import data.cordon.actions
import data.cordon.subject

grant if {
	actions.asks.reception
	subject.has_access
}
