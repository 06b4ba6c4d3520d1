package cordon.rules.mail_service_not_blockable_test

import data.cordon.fixtures_test as given
import data.cordon.rules.mail_service_not_blockable

test_block if {
	question := given.ask({"name": "block"}, given.member("administrator"), given.item("mail_service"))
	mail_service_not_blockable.deny with input as question
}

test_unblock if {
	question := given.ask({"name": "unblock"}, given.member("administrator"), given.item("mail_service"))
	mail_service_not_blockable.deny with input as question
}

test_block_by_host if {
	question := given.ask({"name": "block"}, given.outsider("host"), given.item("mail_service"))
	mail_service_not_blockable.deny with input as question
}

test_block_of_another_kind if {
	question := given.ask({"name": "block"}, given.member("administrator"), given.item("domain"))
	not mail_service_not_blockable.deny with input as question
}

test_block_of_a_user if {
	question := given.ask(
		{"name": "block"},
		given.member("administrator"),
		object.union(given.user("client"), {"kind": "mail_service"}),
	)
	not mail_service_not_blockable.deny with input as question
}

test_maintenance if {
	question := given.ask(
		{"name": "start_maintenance"},
		given.member("administrator"),
		given.item("mail_service"),
	)
	not mail_service_not_blockable.deny with input as question
}
