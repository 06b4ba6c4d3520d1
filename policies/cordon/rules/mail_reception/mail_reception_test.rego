package cordon.rules.mail_reception_test

import data.cordon.fixtures_test as given
import data.cordon.rules.mail_reception

test_administrator if {
	question := given.ask(
		given.mail("receive_mail", "mail_web"),
		given.member("administrator"),
		given.maintained,
	)
	mail_reception.grant with input as question
}

test_granted if {
	question := given.ask(given.mail("receive_mail", "mail_web"), given.granted("client"), given.maintained)
	mail_reception.grant with input as question
}

test_without_access if {
	question := given.ask(
		given.mail("receive_mail", "mail_web"),
		given.member("client"),
		given.item("mail_service"),
	)
	not mail_reception.grant with input as question
}

test_agent if {
	question := given.ask(
		given.mail("receive_mail", "mail_web"),
		object.union(given.outsider("agent"), {"granted": true}),
		given.item("mail_service"),
	)
	not mail_reception.grant with input as question
}

test_reading if {
	question := given.ask(
		given.mail("read_mail", "mail_web"),
		given.granted("client"),
		given.item("mail_service"),
	)
	not mail_reception.grant with input as question
}
