# METADATA
# title: Support acts on a valid code
# description: |
#   A support agent blocks, unblocks or secures a user on presenting an administrator's valid code (`domain.md` U2).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: support
#   rank: 270
#   person:
#     en: "Support may do this with the valid support code that was presented."
#     fr: "Le support y est autorisé grâce au code de support valable qui a été présenté."
#     de: "Der Support darf dies mit dem vorgelegten gültigen Support-Code."
#   administrator:
#     en: "Support acted on a valid support code of your organization."
#     fr: "Le support a agi sur présentation d'un code de support valable de votre organisation."
#     de: "Der Support hat mit einem gültigen Support-Code Ihrer Organisation gehandelt."
package cordon.rules.support

import data.cordon.actions

grant if {
	input.subject.kind == "agent"
	input.act.code == "valid"
	actions.incident
}
