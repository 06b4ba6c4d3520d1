# METADATA
# title: An action that is not in the table is refused
# description: |
#   The name is in no type's table, or not in the table of this known type, or the role it names does not exist
#   (`domain.md`, "What each action asks"). This reason stands alone.
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
#   - data.cordon.words: schema.words
# custom:
#   code: unknown_action
#   rank: 10
#   stands_alone: true
#   person:
#     en: "This action is not known here, so it is refused."
#     fr: "Cette action n'est pas connue ici : elle est donc refusée."
#     de: "Diese Aktion ist hier nicht bekannt und wird deshalb abgelehnt."
#   administrator:
#     en: "The service asked for an action or a role that does not exist for this type of resource."
#     fr: "Le service a demandé une action ou un rôle qui n'existe pas pour ce type de ressource."
#     de: "Der Dienst hat eine Aktion oder Rolle angefragt, die es für diesen Ressourcentyp nicht gibt."
package cordon.rules.unknown_action

import data.cordon.actions
import data.cordon.roles

deny if {
	not _asked
	not _only_the_type_is_unknown
}

deny if {
	input.action.role
	_asked
	not _role_known
}

_asked if some _ in actions.asks

_only_the_type_is_unknown if {
	not actions.table[input.resource.type]
	_named
}

_named if actions.table[_][input.action.name]

_named if data.cordon.words.actions[input.action.name]

_role_known if input.action.role in roles.known
