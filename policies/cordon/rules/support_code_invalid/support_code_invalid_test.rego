package cordon.rules.support_code_invalid_test

import data.cordon.fixtures_test as given
import data.cordon.rules.support_code_invalid

test_invalid if {
	question := given.act(
		given.ask({"name": "block"}, given.member("administrator"), given.user("client")),
		{"code": "invalid"},
	)
	support_code_invalid.deny with input as question
}

test_valid if {
	question := given.act(
		given.ask({"name": "block"}, given.member("administrator"), given.user("client")),
		{"code": "valid"},
	)
	not support_code_invalid.deny with input as question
}

test_missing if {
	question := given.act(
		given.ask({"name": "block"}, given.member("administrator"), given.user("client")),
		{"code": "missing"},
	)
	not support_code_invalid.deny with input as question
}

test_unheard_of if {
	question := given.act(
		given.ask({"name": "unblock"}, given.outsider("agent"), given.user("client")),
		{"code": "forged"},
	)
	support_code_invalid.deny with input as question
}

test_not_judged if {
	question := given.act(given.ask({"name": "block"}, given.member("administrator"), given.user("client")), {})
	support_code_invalid.deny with input as question
}

test_own_secure_asks_none if {
	question := given.act(
		given.ask({"name": "secure"}, given.member("administrator"), given.user("client")),
		{},
	)
	not support_code_invalid.deny with input as question
}

test_own_secure_with_invalid_code if {
	question := given.act(
		given.ask({"name": "secure"}, given.member("administrator"), given.user("client")),
		{"code": "invalid"},
	)
	support_code_invalid.deny with input as question
}

test_secure_by_agent_asks_one if {
	question := given.act(given.ask({"name": "secure"}, given.outsider("agent"), given.user("client")), {})
	support_code_invalid.deny with input as question
}

test_host if {
	question := given.act(
		given.ask({"name": "block"}, given.outsider("host"), given.user("client")),
		{"code": "invalid"},
	)
	not support_code_invalid.deny with input as question
}

test_other_acts if {
	question := given.act(
		given.ask({"name": "remove"}, given.member("administrator"), given.user("client")),
		{"code": "invalid"},
	)
	not support_code_invalid.deny with input as question
}

test_question if {
	question := given.ask({"name": "block"}, given.member("administrator"), given.user("client"))
	not support_code_invalid.deny with input as question
}
