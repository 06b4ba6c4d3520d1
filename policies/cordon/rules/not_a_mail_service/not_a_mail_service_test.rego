package cordon.rules.not_a_mail_service_test

import data.cordon.fixtures_test as given
import data.cordon.rules.not_a_mail_service

test_start_maintenance if {
	question := given.ask({"name": "start_maintenance"}, given.member("administrator"), given.item("domain"))
	not_a_mail_service.deny with input as question
}

test_end_maintenance if {
	question := given.ask({"name": "end_maintenance"}, given.member("administrator"), given.item("domain"))
	not_a_mail_service.deny with input as question
}

test_mail if {
	question := given.ask(
		given.mail("receive_mail", "mail_web"),
		given.member("administrator"),
		given.item("domain"),
	)
	not_a_mail_service.deny with input as question
}

test_mail_service if {
	question := given.ask(
		{"name": "start_maintenance"},
		given.member("administrator"),
		given.item("mail_service"),
	)
	not not_a_mail_service.deny with input as question
}

test_view if {
	question := given.ask({"name": "view"}, given.member("administrator"), given.item("domain"))
	not not_a_mail_service.deny with input as question
}
