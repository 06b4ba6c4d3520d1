# METADATA
# title: A resource that is not there is refused
# description: |
#   A type without a table, a thing that the organization does not have, a channel that is none of the eight
#   (`domain.md`, "What each action asks"). This reason stands alone.
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: unknown_resource
#   rank: 20
#   stands_alone: true
#   person:
#     en: "What you asked for was not found."
#     fr: "L'élément demandé est introuvable."
#     de: "Das Angefragte wurde nicht gefunden."
#   administrator:
#     en: "The service asked about something that the organization does not have, or about an unknown channel."
#     fr: "Le service a demandé un élément que l'organisation ne possède pas, ou un canal inconnu."
#     de: "Der Dienst hat etwas angefragt, das die Organisation nicht besitzt, oder einen unbekannten Kanal."
package cordon.rules.unknown_resource

import data.cordon.actions
import data.cordon.channels

deny if not actions.table[input.resource.type]

deny if not input.resource.known

deny if {
	input.resource.type == "channel"
	not _channel_known
}

deny if {
	input.action.name in {"receive_mail", "read_mail", "send_mail"}
	not _mail_channel_known
}

_channel_known if input.resource.channel in channels.known

_mail_channel_known if input.action.channel in channels.known
