package cordon.rules.role_not_permitted_test

import data.cordon.fixtures_test as given
import data.cordon.rules.role_not_permitted

test_limited_role if {
	question := given.ask({"name": "block"}, given.granted("collaborator"), given.item("web_hosting"))
	role_not_permitted.deny with input as question
}

test_no_role if {
	question := given.ask({"name": "block"}, {"kind": "user", "member": true}, given.item("web_hosting"))
	role_not_permitted.deny with input as question
}

test_administrator if {
	question := given.ask({"name": "block"}, given.member("administrator"), given.item("web_hosting"))
	not role_not_permitted.deny with input as question
}

test_legal_representative if {
	question := given.ask({"name": "block"}, given.member("legal_representative"), given.item("web_hosting"))
	not role_not_permitted.deny with input as question
}

test_host if {
	question := given.ask({"name": "block"}, given.outsider("host"), given.item("web_hosting"))
	not role_not_permitted.deny with input as question
}

test_what_asks_for_access if {
	question := given.ask({"name": "manage"}, given.member("client"), given.item("web_hosting"))
	not role_not_permitted.deny with input as question
}

test_profile_of_another if {
	question := given.ask({"name": "change_profile"}, given.member("client"), given.user("client"))
	role_not_permitted.deny with input as question
}

test_own_profile if {
	question := given.ask({"name": "change_profile"}, given.oneself("client"), given.user("client"))
	not role_not_permitted.deny with input as question
}

test_profile_by_administrator if {
	question := given.ask({"name": "change_profile"}, given.member("administrator"), given.user("client"))
	not role_not_permitted.deny with input as question
}

test_agent_on_product if {
	question := given.ask({"name": "block"}, given.outsider("agent"), given.item("web_hosting"))
	role_not_permitted.deny with input as question
}

test_agent_on_role if {
	question := given.ask({"name": "change_role"}, given.outsider("agent"), given.user("client"))
	role_not_permitted.deny with input as question
}

test_agent_on_user_block if {
	question := given.ask({"name": "block"}, given.outsider("agent"), given.user("client"))
	not role_not_permitted.deny with input as question
}

test_declared_role_is_allowed_what_it_says if {
	question := given.ask({"name": "change_profile"}, given.member("secretary"), given.user("client"))
	declared := {"roles": {"secretary": {"allows": {"user": ["change_profile"]}}}}
	not role_not_permitted.deny with input as question with data.cordon.words as declared
	role_not_permitted.deny with input as question
}
