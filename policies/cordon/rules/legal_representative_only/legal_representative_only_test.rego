package cordon.rules.legal_representative_only_test

import data.cordon.fixtures_test as given
import data.cordon.rules.legal_representative_only

test_appoint if {
	question := given.ask(
		{"name": "change_role", "role": "legal_representative"},
		given.member("administrator"),
		given.user("administrator"),
	)
	legal_representative_only.deny with input as question
}

test_appoint_by_one if {
	question := given.ask(
		{"name": "change_role", "role": "legal_representative"},
		given.member("legal_representative"),
		given.user("administrator"),
	)
	not legal_representative_only.deny with input as question
}

test_appoint_by_host if {
	question := given.ask(
		{"name": "change_role", "role": "legal_representative"},
		given.outsider("host"),
		given.user("administrator"),
	)
	not legal_representative_only.deny with input as question
}

test_appoint_by_agent if {
	question := given.ask(
		{"name": "change_role", "role": "legal_representative"},
		object.union(given.outsider("agent"), {"role": "legal_representative"}),
		given.user("administrator"),
	)
	legal_representative_only.deny with input as question
}

test_appoint_again if {
	question := given.ask(
		{"name": "change_role", "role": "legal_representative"},
		given.member("administrator"),
		given.user("legal_representative"),
	)
	not legal_representative_only.deny with input as question
}

test_demote if {
	question := given.ask(
		{"name": "change_role", "role": "administrator"},
		given.member("administrator"),
		given.user("legal_representative"),
	)
	legal_representative_only.deny with input as question
}

test_demote_by_one if {
	question := given.ask(
		{"name": "change_role", "role": "administrator"},
		given.member("legal_representative"),
		given.user("legal_representative"),
	)
	not legal_representative_only.deny with input as question
}

test_change_of_other_roles if {
	question := given.ask(
		{"name": "change_role", "role": "administrator"},
		given.member("administrator"),
		given.user("client"),
	)
	not legal_representative_only.deny with input as question
}

test_remove if {
	question := given.ask({"name": "remove"}, given.member("administrator"), given.user("legal_representative"))
	legal_representative_only.deny with input as question
}

test_remove_by_one if {
	question := given.ask(
		{"name": "remove"},
		given.member("legal_representative"),
		given.user("legal_representative"),
	)
	not legal_representative_only.deny with input as question
}

test_remove_others if {
	question := given.ask({"name": "remove"}, given.member("administrator"), given.user("administrator"))
	not legal_representative_only.deny with input as question
}

test_add if {
	question := given.ask(
		{"name": "add_user", "role": "legal_representative"},
		given.member("administrator"),
		given.organization,
	)
	legal_representative_only.deny with input as question
}

test_add_by_one if {
	question := given.ask(
		{"name": "add_user", "role": "legal_representative"},
		given.member("legal_representative"),
		given.organization,
	)
	not legal_representative_only.deny with input as question
}

test_add_others if {
	question := given.ask(
		{"name": "add_user", "role": "administrator"},
		given.member("administrator"),
		given.organization,
	)
	not legal_representative_only.deny with input as question
}

test_block if {
	question := given.ask({"name": "block"}, given.member("administrator"), given.user("legal_representative"))
	not legal_representative_only.deny with input as question
}

test_role_of_no_matter if {
	question := given.ask(
		{"name": "block", "role": "legal_representative"},
		given.member("administrator"),
		given.user("client"),
	)
	not legal_representative_only.deny with input as question
}
