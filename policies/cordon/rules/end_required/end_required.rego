# METADATA
# title: A block needs an end where the organization wants one
# description: |
#   Where every block must end, one that names no end is refused to the organization and to support (`domain.md`,
#   "Settings"); the host is not bound. Said of the act alone: whoever only asks has no end to give.
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: end_required
#   rank: 135
#   person:
#     en: "A block must have an end here: say when it is over."
#     fr: "Un blocage doit avoir une fin ici : indiquez quand il se termine."
#     de: "Eine Sperre muss hier ein Ende haben: Geben Sie an, wann sie endet."
#   administrator:
#     en: "Every block of this organization must end by itself; give expires_at, or change the organization's settings."
#     fr: "Chaque blocage de cette organisation doit prendre fin ; indiquez expires_at ou modifiez ses réglages."
#     de: "Jede Sperre muss hier von selbst enden; geben Sie expires_at an, oder ändern Sie die Einstellungen."
package cordon.rules.end_required

import data.cordon.organization

deny if {
	input.act
	input.action.name == "block"
	not input.act.ends
	not input.subject.kind == "host"
	organization.blocks_must_end
}
