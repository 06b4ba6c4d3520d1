package cordon.rules.support_test

import data.cordon.fixtures_test as given
import data.cordon.rules.support

test_valid_code if {
	question := given.act(
		given.ask({"name": "block"}, given.outsider("agent"), given.user("client")),
		{"origin": "support", "code": "valid"},
	)
	support.grant with input as question
}

test_invalid_code if {
	question := given.act(
		given.ask({"name": "block"}, given.outsider("agent"), given.user("client")),
		{"origin": "support", "code": "invalid"},
	)
	not support.grant with input as question
}

test_question if {
	question := given.ask({"name": "block"}, given.outsider("agent"), given.user("client"))
	not support.grant with input as question
}

test_product if {
	question := given.act(
		given.ask({"name": "block"}, given.outsider("agent"), given.item("web_hosting")),
		{"origin": "support", "code": "valid"},
	)
	not support.grant with input as question
}

test_administrator if {
	question := given.act(
		given.ask({"name": "block"}, given.member("administrator"), given.user("client")),
		{"code": "valid"},
	)
	not support.grant with input as question
}
