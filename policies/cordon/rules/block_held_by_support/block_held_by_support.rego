# METADATA
# title: A block of support is lifted by support
# description: |
#   Said of an unblock where a block of support stands and none of the asker's own origin does
#   (`domain.md`, "Whose block it is").
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: block_held_by_support
#   rank: 170
#   rests_on: [resource_blocks]
#   person:
#     en: "This block was set by support, and only support can lift it."
#     fr: "Ce blocage a été posé par le support, et seul le support peut le lever."
#     de: "Diese Sperre wurde vom Support gesetzt; nur der Support kann sie aufheben."
#   administrator:
#     en: "Contact support with a support code to have this block lifted."
#     fr: "Contactez le support avec un code de support pour faire lever ce blocage."
#     de: "Wenden Sie sich mit einem Support-Code an den Support, um diese Sperre aufheben zu lassen."
package cordon.rules.block_held_by_support

import data.cordon.resource

deny if {
	input.action.name == "unblock"
	"support" in input.resource.blocks
	not resource.own_block_stands
}
