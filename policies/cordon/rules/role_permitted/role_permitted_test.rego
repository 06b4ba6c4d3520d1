package cordon.rules.role_permitted_test

import data.cordon.fixtures_test as given
import data.cordon.rules.role_permitted

test_without_a_grant if {
	question := given.ask({"name": "view"}, given.member("accountant"), given.item("domain"))
	role_permitted.grant with input as question with data.cordon.words as given.words
	permitted := {"allowed": true, "reasons": {"role_permitted"}}
	data.cordon.decision == permitted with input as question with data.cordon.words as given.words
}

test_what_asks_for_an_administrator if {
	permitted := {"allowed": true, "reasons": {"role_permitted"}}
	every question in [
		given.ask({"name": "view_decisions"}, given.member("accountant"), given.organization),
		given.ask({"name": "archive"}, given.member("accountant"), given.item("domain")),
	] {
		data.cordon.decision == permitted with input as question with data.cordon.words as given.words
	}
}

test_what_is_not_said if {
	every question in [
		given.ask({"name": "manage"}, given.member("accountant"), given.item("domain")),
		given.ask({"name": "view"}, given.member("reader"), given.item("domain")),
		given.ask({"name": "view"}, given.member("client"), given.item("domain")),
		given.ask({"name": "view"}, given.outsider("host"), given.item("domain")),
	] {
		not role_permitted.grant with input as question with data.cordon.words as given.words
	}
}

test_nothing_declared if {
	question := given.ask({"name": "view"}, given.member("accountant"), given.item("domain"))
	not role_permitted.grant with input as question
}

test_a_grant_gives_what_the_role_says if {
	granted := {"allowed": true, "reasons": {"granted"}}
	view := given.ask({"name": "view"}, given.granted("reader"), given.item("domain"))
	data.cordon.decision == granted with input as view with data.cordon.words as given.words
	denied := {"allowed": false, "reasons": {"not_granted"}}
	manage := given.ask({"name": "manage"}, given.granted("reader"), given.item("domain"))
	data.cordon.decision == denied with input as manage with data.cordon.words as given.words
	accountant := given.ask({"name": "manage"}, given.granted("accountant"), given.item("domain"))
	data.cordon.decision == granted with input as accountant with data.cordon.words as given.words
}

test_a_blocked_user_has_no_role if {
	question := given.ask({"name": "view"}, given.blocked("accountant", []), given.item("domain"))
	denied := {"allowed": false, "reasons": {"user_blocked"}}
	data.cordon.decision == denied with input as question with data.cordon.words as given.words
}

test_what_the_type_does_not_know if {
	question := given.ask({"name": "fly"}, given.member("accountant"), given.item("domain"))
	declared := {"roles": {"accountant": {"allows": {"product": ["fly"]}}}}
	not role_permitted.grant with input as question with data.cordon.words as declared
}

test_an_administrator_needs_no_declaration if {
	question := given.ask({"name": "view"}, given.member("administrator"), given.item("domain"))
	declared := {"roles": {"administrator": {"allows": {"product": ["view"]}}}}
	not role_permitted.grant with input as question with data.cordon.words as declared
}
