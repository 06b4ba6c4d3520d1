package cordon.rules.not_a_member_test

import data.cordon.fixtures_test as given
import data.cordon.rules.not_a_member

test_user_of_another_organization if {
	question := given.ask({"name": "view"}, given.outsider("user"), given.item("web_hosting"))
	not_a_member.deny with input as question
}

test_other_type_of_subject if {
	question := given.ask({"name": "view"}, given.outsider("other"), given.item("web_hosting"))
	not_a_member.deny with input as question
}

test_member if {
	question := given.ask({"name": "view"}, given.member("client"), given.item("web_hosting"))
	not not_a_member.deny with input as question
}

test_agent if {
	question := given.ask({"name": "view"}, given.outsider("agent"), given.item("web_hosting"))
	not not_a_member.deny with input as question
}

test_host if {
	question := given.ask({"name": "view"}, given.outsider("host"), given.item("web_hosting"))
	not not_a_member.deny with input as question
}
