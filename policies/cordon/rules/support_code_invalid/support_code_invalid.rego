# METADATA
# title: Only a valid support code counts
# description: |
#   Wrong, used, expired or foreign: refused (`domain.md` U2). A code that nobody judged counts as invalid; only an
#   administrator's own `secure` asks for none (U5).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: support_code_invalid
#   rank: 120
#   person:
#     en: "The support code is not valid: it is wrong, used, expired or of another organization."
#     fr: "Le code de support n'est pas valable : il est faux, utilisé, expiré ou d'une autre organisation."
#     de: "Der Support-Code ist ungültig: falsch, benutzt, abgelaufen oder von einer anderen Organisation."
#   administrator:
#     en: "Create a new support code; each works once, for a short time, in your organization alone."
#     fr: "Créez un nouveau code de support ; chacun sert une fois, peu de temps, dans votre seule organisation."
#     de: "Erstellen Sie einen neuen Support-Code; jeder gilt einmal, kurze Zeit und nur in Ihrer Organisation."
package cordon.rules.support_code_invalid

import data.cordon.actions

deny if {
	input.act
	actions.incident
	not input.subject.kind == "host"
	not _code_judged
	not _none_asked
}

_code_judged if input.act.code in {"missing", "valid"}

_none_asked if {
	input.action.name == "secure"
	input.subject.kind == "user"
	not input.act.code
}
