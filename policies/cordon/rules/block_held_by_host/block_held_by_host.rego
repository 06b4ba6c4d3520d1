# METADATA
# title: A block of the host is lifted by the host
# description: |
#   Said of an unblock where a block of the host stands and none of the asker's own origin does
#   (`domain.md`, "Whose block it is").
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: block_held_by_host
#   rank: 180
#   rests_on: [resource_blocks]
#   person:
#     en: "This block was set by the host, and only the host can lift it."
#     fr: "Ce blocage a été posé par l'hébergeur, et seul l'hébergeur peut le lever."
#     de: "Diese Sperre wurde vom Hoster gesetzt; nur der Hoster kann sie aufheben."
#   administrator:
#     en: "The host set this block, for billing or by law; contact the host to have it lifted."
#     fr: "L'hébergeur a posé ce blocage (facturation ou loi) ; contactez-le pour le faire lever."
#     de: "Der Hoster hat diese Sperre gesetzt (Abrechnung oder Gesetz); wenden Sie sich dafür an ihn."
package cordon.rules.block_held_by_host

import data.cordon.resource

deny if {
	input.action.name == "unblock"
	"host" in input.resource.blocks
	not resource.own_block_stands
}
