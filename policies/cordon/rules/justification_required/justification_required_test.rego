package cordon.rules.justification_required_test

import data.cordon.fixtures_test as given
import data.cordon.rules.justification_required

test_without if {
	question := given.act(
		given.ask({"name": "block"}, given.member("administrator"), given.user("client")),
		{"justification": false},
	)
	justification_required.deny with input as question
}

test_secure_without if {
	question := given.act(
		given.ask({"name": "secure"}, given.outsider("agent"), given.user("client")),
		{"justification": false},
	)
	justification_required.deny with input as question
}

test_with_one if {
	question := given.act(
		given.ask({"name": "block"}, given.member("administrator"), given.user("client")),
		{"justification": true},
	)
	not justification_required.deny with input as question
}

test_host if {
	question := given.act(
		given.ask({"name": "block"}, given.outsider("host"), given.user("client")),
		{"justification": false},
	)
	not justification_required.deny with input as question
}

test_other_acts if {
	question := given.act(
		given.ask({"name": "block"}, given.member("administrator"), given.item("web_hosting")),
		{"justification": false},
	)
	not justification_required.deny with input as question
}

test_question if {
	question := given.ask({"name": "block"}, given.member("administrator"), given.user("client"))
	not justification_required.deny with input as question
}
