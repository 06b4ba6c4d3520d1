package cordon.rules.mail_in_maintenance_test

import data.cordon.fixtures_test as given
import data.cordon.rules.mail_in_maintenance

test_read if {
	question := given.ask(
		given.mail("read_mail", "imap"),
		given.member("legal_representative"),
		given.maintained,
	)
	mail_in_maintenance.deny with input as question
}

test_send if {
	question := given.ask(given.mail("send_mail", "smtp"), given.member("client"), given.maintained)
	mail_in_maintenance.deny with input as question
}

test_receive if {
	question := given.ask(given.mail("receive_mail", "mail_web"), given.member("client"), given.maintained)
	not mail_in_maintenance.deny with input as question
}

test_read_without_maintenance if {
	question := given.ask(
		given.mail("read_mail", "imap"),
		given.member("legal_representative"),
		given.item("mail_service"),
	)
	not mail_in_maintenance.deny with input as question
}
