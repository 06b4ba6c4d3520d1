package cordon.rules.unknown_action_test

import data.cordon.fixtures_test as given
import data.cordon.rules.unknown_action

test_name_in_no_table if {
	question := given.ask({"name": "fly"}, given.member("administrator"), given.item("web_hosting"))
	unknown_action.deny with input as question
}

test_name_in_no_table_of_unknown_type if {
	question := given.ask({"name": "fly"}, given.member("administrator"), {"type": "planet", "known": true})
	unknown_action.deny with input as question
}

test_name_of_another_type if {
	question := given.ask({"name": "manage"}, given.member("administrator"), given.organization)
	unknown_action.deny with input as question
}

test_role_that_does_not_exist if {
	question := given.ask(
		{"name": "change_role", "role": "boss"},
		given.member("administrator"),
		given.user("client"),
	)
	unknown_action.deny with input as question
}

test_role_that_exists if {
	question := given.ask(
		{"name": "change_role", "role": "client"},
		given.member("administrator"),
		given.user("collaborator"),
	)
	not unknown_action.deny with input as question
}

test_without_role if {
	question := given.ask({"name": "manage"}, given.member("administrator"), given.item("web_hosting"))
	not unknown_action.deny with input as question
}

test_known_name_of_unknown_type_is_the_resource_s_fault if {
	question := given.ask(
		{"name": "manage", "role": "boss"},
		given.member("administrator"),
		{"type": "planet", "known": true},
	)
	not unknown_action.deny with input as question
}

test_declared if {
	archive := given.ask({"name": "archive"}, given.member("administrator"), given.item("domain"))
	not unknown_action.deny with input as archive with data.cordon.words as given.words
	unknown_action.deny with input as archive
}

test_declared_of_another_type if {
	archive := given.ask({"name": "archive"}, given.member("administrator"), given.organization)
	unknown_action.deny with input as archive with data.cordon.words as given.words
	planet := given.ask({"name": "archive"}, given.member("administrator"), {"type": "planet", "known": true})
	not unknown_action.deny with input as planet with data.cordon.words as given.words
}

test_declared_role if {
	change := given.ask(
		{"name": "change_role", "role": "accountant"},
		given.member("administrator"),
		given.user("client"),
	)
	not unknown_action.deny with input as change with data.cordon.words as given.words
	unknown_action.deny with input as change
}
