package cordon.rules.support_code_required_test

import data.cordon.fixtures_test as given
import data.cordon.rules.support_code_required

test_block_without_code if {
	question := given.act(
		given.ask({"name": "block"}, given.member("administrator"), given.user("client")),
		{"code": "missing"},
	)
	support_code_required.deny with input as question
}

test_agent_without_code if {
	question := given.act(
		given.ask({"name": "secure"}, given.outsider("agent"), given.user("client")),
		{"code": "missing"},
	)
	support_code_required.deny with input as question
}

test_with_valid_code if {
	question := given.act(
		given.ask({"name": "block"}, given.member("administrator"), given.user("client")),
		{"code": "valid"},
	)
	not support_code_required.deny with input as question
}

test_with_invalid_code if {
	question := given.act(
		given.ask({"name": "block"}, given.member("administrator"), given.user("client")),
		{"code": "invalid"},
	)
	not support_code_required.deny with input as question
}

test_host if {
	question := given.act(
		given.ask({"name": "block"}, given.outsider("host"), given.user("client")),
		{"code": "missing"},
	)
	not support_code_required.deny with input as question
}

test_other_acts if {
	question := given.act(
		given.ask({"name": "remove"}, given.member("administrator"), given.user("client")),
		{"code": "missing"},
	)
	not support_code_required.deny with input as question
}

test_block_of_product if {
	question := given.act(
		given.ask({"name": "block"}, given.member("administrator"), given.item("web_hosting")),
		{"code": "missing"},
	)
	not support_code_required.deny with input as question
}

test_question_of_administrator if {
	question := given.ask({"name": "block"}, given.member("administrator"), given.user("client"))
	not support_code_required.deny with input as question
}

test_question_of_agent if {
	question := given.ask({"name": "block"}, given.outsider("agent"), given.user("client"))
	support_code_required.deny with input as question
}

test_question_of_agent_about_other_acts if {
	question := given.ask({"name": "remove"}, given.outsider("agent"), given.user("client"))
	not support_code_required.deny with input as question
}
