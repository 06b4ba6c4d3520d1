package cordon.rules.would_lock_out_organization_test

import data.cordon.fixtures_test as given
import data.cordon.rules.would_lock_out_organization

test_block_of_the_last if {
	question := given.alone(
		given.ask({"name": "block"}, given.member("legal_representative"), given.user("administrator")),
		{"other_admins": false, "other_legal_representatives": true},
	)
	would_lock_out_organization.deny with input as question
}

test_removal_of_the_last if {
	question := given.alone(
		given.ask({"name": "remove"}, given.outsider("host"), given.user("legal_representative")),
		{"other_admins": false, "other_legal_representatives": true},
	)
	would_lock_out_organization.deny with input as question
}

test_demotion_of_the_last if {
	question := given.alone(
		given.ask(
			{"name": "change_role", "role": "client"},
			given.member("legal_representative"),
			given.user("administrator"),
		),
		{"other_admins": false, "other_legal_representatives": true},
	)
	would_lock_out_organization.deny with input as question
}

test_change_without_a_role if {
	question := given.alone(
		given.ask({"name": "change_role"}, given.member("legal_representative"), given.user("administrator")),
		{"other_admins": false, "other_legal_representatives": true},
	)
	would_lock_out_organization.deny with input as question
}

test_change_to_another_admin_role if {
	question := given.alone(
		given.ask(
			{"name": "change_role", "role": "legal_representative"},
			given.member("legal_representative"),
			given.user("administrator"),
		),
		{"other_admins": false, "other_legal_representatives": true},
	)
	not would_lock_out_organization.deny with input as question
}

test_others_are_left if {
	question := given.alone(
		given.ask({"name": "block"}, given.member("legal_representative"), given.user("administrator")),
		{"other_admins": true, "other_legal_representatives": true},
	)
	not would_lock_out_organization.deny with input as question
}

test_demotion_while_others_are_left if {
	question := given.alone(
		given.ask(
			{"name": "change_role", "role": "client"},
			given.member("legal_representative"),
			given.user("administrator"),
		),
		{"other_admins": true, "other_legal_representatives": true},
	)
	not would_lock_out_organization.deny with input as question
}

test_blocked_already if {
	question := given.alone(
		given.ask(
			{"name": "remove"},
			given.member("legal_representative"),
			given.held(given.user("administrator"), ["support"]),
		),
		{"other_admins": false, "other_legal_representatives": true},
	)
	not would_lock_out_organization.deny with input as question
}

test_limited_user if {
	question := given.alone(
		given.ask({"name": "block"}, given.member("legal_representative"), given.user("client")),
		{"other_admins": false, "other_legal_representatives": true},
	)
	not would_lock_out_organization.deny with input as question
}

test_other_acts if {
	question := given.alone(
		given.ask({"name": "secure"}, given.member("legal_representative"), given.user("administrator")),
		{"other_admins": false, "other_legal_representatives": true},
	)
	not would_lock_out_organization.deny with input as question
}
