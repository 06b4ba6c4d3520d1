package cordon.rules.end_required_test

import data.cordon.fixtures_test as given
import data.cordon.rules.end_required

test_product_without if {
	end_required.deny with input as _wants(true, _block("administrator", given.item("domain"), {}))
		with data.cordon.settings.left_to_organizations as ["blocks_must_end"]
}

test_user_without if {
	end_required.deny with input as _wants(true, _block("administrator", given.user("client"), {"ends": false}))
		with data.cordon.settings.left_to_organizations as ["blocks_must_end"]
}

test_support_without if {
	question := given.ask({"name": "block"}, given.outsider("agent"), given.user("client"))
	end_required.deny with input as _wants(true, given.act(question, {"origin": "support"}))
		with data.cordon.settings.left_to_organizations as ["blocks_must_end"]
}

test_with_an_end if {
	question := _wants(true, _block("administrator", given.item("domain"), {"ends": true}))
	not end_required.deny with input as question
		with data.cordon.settings.left_to_organizations as ["blocks_must_end"]
}

test_not_wanted if {
	question := _wants(false, _block("administrator", given.item("domain"), {}))
	not end_required.deny with input as question
		with data.cordon.settings.left_to_organizations as ["blocks_must_end"]
		with data.cordon.settings.blocks_must_end as true
}

test_nothing_chosen if {
	question := _block("administrator", given.item("domain"), {})
	not end_required.deny with input as question with data.cordon.settings.blocks_must_end as false
	end_required.deny with input as question with data.cordon.settings.blocks_must_end as true
}

test_not_left_to_organizations if {
	question := _wants(true, _block("administrator", given.item("domain"), {}))
	not end_required.deny with input as question
		with data.cordon.settings.left_to_organizations as []
		with data.cordon.settings.blocks_must_end as false
}

test_host if {
	question := given.act(given.ask({"name": "block"}, given.outsider("host"), given.item("domain")), {"origin": "host"})
	not end_required.deny with input as _wants(true, question)
}

test_question if {
	question := given.ask({"name": "block"}, given.member("administrator"), given.item("domain"))
	not end_required.deny with input as _wants(true, question)
}

test_other_acts if {
	question := given.act(given.ask({"name": "unblock"}, given.member("administrator"), given.item("domain")), {})
	not end_required.deny with input as _wants(true, question)
}

_block(role, resource, brought) := given.act(given.ask({"name": "block"}, given.member(role), resource), brought)

_wants(ends, question) := given.chosen(question, {"blocks_must_end": ends})
