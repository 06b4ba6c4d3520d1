package cordon.rules.host_test

import data.cordon.fixtures_test as given
import data.cordon.rules.host

test_host if {
	question := given.ask({"name": "remove"}, given.outsider("host"), given.item("web_hosting"))
	host.grant with input as question
}

test_user if {
	question := given.ask(
		{"name": "remove"},
		given.member("legal_representative"),
		given.item("web_hosting"),
	)
	not host.grant with input as question
}

test_agent if {
	question := given.ask({"name": "remove"}, given.outsider("agent"), given.item("web_hosting"))
	not host.grant with input as question
}
