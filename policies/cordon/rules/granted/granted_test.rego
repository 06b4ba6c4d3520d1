package cordon.rules.granted_test

import data.cordon.fixtures_test as given
import data.cordon.rules.granted

test_limited_with_grant if {
	question := given.ask({"name": "manage"}, given.granted("client"), given.item("web_hosting"))
	granted.grant with input as question
}

test_limited_without_grant if {
	question := given.ask({"name": "manage"}, given.member("client"), given.item("web_hosting"))
	not granted.grant with input as question
}

test_administrator_s_grant_means_nothing if {
	question := given.ask({"name": "manage"}, given.granted("administrator"), given.item("web_hosting"))
	not granted.grant with input as question
}

test_what_asks_for_an_administrator if {
	question := given.ask({"name": "block"}, given.granted("client"), given.item("web_hosting"))
	not granted.grant with input as question
}
