package cordon.rules.member_test

import data.cordon.fixtures_test as given
import data.cordon.rules.member

test_organization if {
	question := given.ask({"name": "view"}, given.member("client"), given.organization)
	member.grant with input as question
}

test_channel if member.grant with input as given.ask({"name": "use"}, given.member("client"), given.channel("ftp"))

test_own_profile if {
	question := given.ask({"name": "change_profile"}, given.oneself("client"), given.user("client"))
	member.grant with input as question
}

test_profile_of_another if {
	question := given.ask({"name": "change_profile"}, given.member("administrator"), given.user("client"))
	not member.grant with input as question
}

test_agent if not member.grant with input as given.ask({"name": "view"}, given.outsider("agent"), given.organization)

test_profile_of_agent if {
	question := given.ask(
		{"name": "change_profile"},
		object.union(given.outsider("agent"), {"itself": true}),
		given.user("client"),
	)
	not member.grant with input as question
}

test_product if {
	question := given.ask({"name": "view"}, given.member("client"), given.item("web_hosting"))
	not member.grant with input as question
}
