package cordon.rules.block_held_by_support_test

import data.cordon.fixtures_test as given
import data.cordon.rules.block_held_by_support

test_administrator_lifts if {
	question := given.ask(
		{"name": "unblock"},
		given.member("administrator"),
		given.held(given.user("client"), ["support"]),
	)
	block_held_by_support.deny with input as question
}

test_own_block_stands_too if {
	question := given.ask(
		{"name": "unblock"},
		given.member("administrator"),
		given.held(given.user("client"), ["administrator", "support"]),
	)
	not block_held_by_support.deny with input as question
}

test_support_lifts if {
	question := given.act(
		given.ask({"name": "unblock"}, given.outsider("agent"), given.held(given.user("client"), ["support"])),
		{"origin": "support"},
	)
	not block_held_by_support.deny with input as question
}

test_only_other_blocks if {
	question := given.ask(
		{"name": "unblock"},
		given.member("administrator"),
		given.held(given.user("client"), ["host"]),
	)
	not block_held_by_support.deny with input as question
}

test_no_block if {
	question := given.ask({"name": "unblock"}, given.member("administrator"), given.user("client"))
	not block_held_by_support.deny with input as question
}

test_block if {
	question := given.ask(
		{"name": "block"},
		given.member("administrator"),
		given.held(given.user("client"), ["support"]),
	)
	not block_held_by_support.deny with input as question
}
