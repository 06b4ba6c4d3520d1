package cordon.rules.not_granted_test

import data.cordon.fixtures_test as given
import data.cordon.rules.not_granted

test_limited_without_grant if {
	question := given.ask({"name": "manage"}, given.member("client"), given.item("web_hosting"))
	not_granted.deny with input as question
}

test_mail_without_grant if {
	question := given.ask(
		given.mail("receive_mail", "mail_web"),
		given.member("collaborator"),
		given.item("mail_service"),
	)
	not_granted.deny with input as question
}

test_limited_with_grant if {
	question := given.ask({"name": "manage"}, given.granted("client"), given.item("web_hosting"))
	not not_granted.deny with input as question
}

test_administrator if {
	question := given.ask({"name": "manage"}, given.member("administrator"), given.item("web_hosting"))
	not not_granted.deny with input as question
}

test_what_asks_for_an_administrator if {
	question := given.ask({"name": "block"}, given.member("client"), given.item("web_hosting"))
	not not_granted.deny with input as question
}

test_agent if {
	question := given.ask({"name": "view"}, given.outsider("agent"), given.item("web_hosting"))
	not not_granted.deny with input as question
}
