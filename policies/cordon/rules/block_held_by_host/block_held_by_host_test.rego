package cordon.rules.block_held_by_host_test

import data.cordon.fixtures_test as given
import data.cordon.rules.block_held_by_host

test_administrator_lifts if {
	question := given.ask(
		{"name": "unblock"},
		given.member("administrator"),
		given.held(given.item("web_hosting"), ["host"]),
	)
	block_held_by_host.deny with input as question
}

test_administrator_lifts_as_an_act if {
	question := given.act(
		given.ask(
			{"name": "unblock"},
			given.member("administrator"),
			given.held(given.item("web_hosting"), ["host"]),
		),
		{"origin": "administrator"},
	)
	block_held_by_host.deny with input as question
}

test_own_block_stands_too if {
	question := given.ask(
		{"name": "unblock"},
		given.member("administrator"),
		given.held(given.item("web_hosting"), ["administrator", "host"]),
	)
	not block_held_by_host.deny with input as question
}

test_host_lifts if {
	question := given.act(
		given.ask(
			{"name": "unblock"},
			given.outsider("host"),
			given.held(given.item("web_hosting"), ["host"]),
		),
		{"origin": "host"},
	)
	not block_held_by_host.deny with input as question
}

test_only_other_blocks if {
	question := given.act(
		given.ask(
			{"name": "unblock"},
			given.outsider("host"),
			given.held(given.item("web_hosting"), ["administrator"]),
		),
		{"origin": "host"},
	)
	not block_held_by_host.deny with input as question
}

test_no_block if {
	question := given.ask({"name": "unblock"}, given.member("administrator"), given.item("web_hosting"))
	not block_held_by_host.deny with input as question
}

test_block if {
	question := given.ask(
		{"name": "block"},
		given.member("administrator"),
		given.held(given.item("web_hosting"), ["host"]),
	)
	not block_held_by_host.deny with input as question
}
