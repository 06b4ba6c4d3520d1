package cordon.rules.last_legal_representative_test

import data.cordon.fixtures_test as given
import data.cordon.rules.last_legal_representative

test_removal if {
	question := given.alone(
		given.ask({"name": "remove"}, given.outsider("host"), given.user("legal_representative")),
		{"other_admins": true, "other_legal_representatives": false},
	)
	last_legal_representative.deny with input as question
}

test_removal_while_blocked if {
	question := given.alone(
		given.ask(
			{"name": "remove"},
			given.member("legal_representative"),
			given.held(given.user("legal_representative"), ["support"]),
		),
		{"other_admins": true, "other_legal_representatives": false},
	)
	last_legal_representative.deny with input as question
}

test_demotion if {
	question := given.alone(
		given.ask(
			{"name": "change_role", "role": "administrator"},
			given.member("legal_representative"),
			given.user("legal_representative"),
		),
		{"other_admins": true, "other_legal_representatives": false},
	)
	last_legal_representative.deny with input as question
}

test_change_without_a_role if {
	question := given.alone(
		given.ask(
			{"name": "change_role"},
			given.member("legal_representative"),
			given.user("legal_representative"),
		),
		{"other_admins": true, "other_legal_representatives": false},
	)
	last_legal_representative.deny with input as question
}

test_no_change if {
	question := given.alone(
		given.ask(
			{"name": "change_role", "role": "legal_representative"},
			given.member("legal_representative"),
			given.user("legal_representative"),
		),
		{"other_admins": true, "other_legal_representatives": false},
	)
	not last_legal_representative.deny with input as question
}

test_another_is_left if {
	question := given.alone(
		given.ask({"name": "remove"}, given.member("legal_representative"), given.user("legal_representative")),
		{"other_admins": true, "other_legal_representatives": true},
	)
	not last_legal_representative.deny with input as question
}

test_demotion_while_another_is_left if {
	question := given.alone(
		given.ask(
			{"name": "change_role", "role": "administrator"},
			given.member("legal_representative"),
			given.user("legal_representative"),
		),
		{"other_admins": true, "other_legal_representatives": true},
	)
	not last_legal_representative.deny with input as question
}

test_block if {
	question := given.alone(
		given.ask({"name": "block"}, given.member("administrator"), given.user("legal_representative")),
		{"other_admins": true, "other_legal_representatives": false},
	)
	not last_legal_representative.deny with input as question
}

test_other_roles if {
	question := given.alone(
		given.ask({"name": "remove"}, given.member("legal_representative"), given.user("administrator")),
		{"other_admins": true, "other_legal_representatives": false},
	)
	not last_legal_representative.deny with input as question
}

test_demotion_of_other_roles if {
	question := given.alone(
		given.ask(
			{"name": "change_role", "role": "client"},
			given.member("legal_representative"),
			given.user("administrator"),
		),
		{"other_admins": true, "other_legal_representatives": false},
	)
	not last_legal_representative.deny with input as question
}
