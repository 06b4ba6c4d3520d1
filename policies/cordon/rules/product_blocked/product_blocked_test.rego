package cordon.rules.product_blocked_test

import data.cordon.fixtures_test as given
import data.cordon.rules.product_blocked

test_manage if {
	question := given.ask(
		{"name": "manage"},
		given.member("legal_representative"),
		given.held(given.item("web_hosting"), ["administrator"]),
	)
	product_blocked.deny with input as question
		with data.cordon.settings.administrators_manage_blocked_products as false
}

test_manage_by_client if {
	question := given.ask(
		{"name": "manage"},
		given.granted("client"),
		given.held(given.item("web_hosting"), ["host"]),
	)
	product_blocked.deny with input as question
}

test_manage_unblocked if {
	question := given.ask(
		{"name": "manage"},
		given.member("legal_representative"),
		given.item("web_hosting"),
	)
	not product_blocked.deny with input as question
}

test_manage_empty_blocks if {
	question := given.ask(
		{"name": "manage"},
		given.member("legal_representative"),
		given.held(given.item("web_hosting"), []),
	)
	not product_blocked.deny with input as question
}

test_manage_by_host if {
	question := given.ask(
		{"name": "manage"},
		given.outsider("host"),
		given.held(given.item("web_hosting"), ["host"]),
	)
	not product_blocked.deny with input as question
}

test_manage_left_to_administrators if {
	question := given.ask(
		{"name": "manage"},
		given.member("administrator"),
		given.held(given.item("web_hosting"), ["administrator"]),
	)
	not product_blocked.deny with input as question
		with data.cordon.settings.administrators_manage_blocked_products as true
}

test_manage_not_left_to_others if {
	question := given.ask(
		{"name": "manage"},
		given.granted("client"),
		given.held(given.item("web_hosting"), ["administrator"]),
	)
	product_blocked.deny with input as question with data.cordon.settings.administrators_manage_blocked_products as true
}

test_rename if {
	question := given.ask(
		{"name": "change_product"},
		given.member("administrator"),
		given.held(given.item("web_hosting"), ["administrator"]),
	)
	product_blocked.deny with input as question
}

test_rename_is_not_left_to_administrators if {
	question := given.ask(
		{"name": "change_product"},
		given.member("administrator"),
		given.held(given.item("web_hosting"), ["administrator"]),
	)
	product_blocked.deny with input as question with data.cordon.settings.administrators_manage_blocked_products as true
}

test_remove if {
	question := given.ask(
		{"name": "remove"},
		given.member("administrator"),
		given.held(given.item("web_hosting"), ["administrator"]),
	)
	product_blocked.deny with input as question
}

test_remove_unblocked if {
	question := given.ask({"name": "remove"}, given.member("administrator"), given.item("web_hosting"))
	not product_blocked.deny with input as question
}

test_remove_by_host if {
	question := given.ask(
		{"name": "remove"},
		given.outsider("host"),
		given.held(given.item("web_hosting"), ["administrator"]),
	)
	not product_blocked.deny with input as question
}

test_remove_of_blocked_user if {
	question := given.ask(
		{"name": "remove"},
		given.member("administrator"),
		given.held(given.user("client"), ["administrator"]),
	)
	not product_blocked.deny with input as question
}

test_view if {
	question := given.ask(
		{"name": "view"},
		given.member("administrator"),
		given.held(given.item("web_hosting"), ["administrator"]),
	)
	not product_blocked.deny with input as question
}

test_unblock if {
	question := given.ask(
		{"name": "unblock"},
		given.member("administrator"),
		given.held(given.item("web_hosting"), ["administrator"]),
	)
	not product_blocked.deny with input as question
}

test_manage_chosen_by_the_organization if {
	question := given.chosen(_blocked_for("administrator"), {"administrators_manage_blocked_products": true})
	left := ["administrators_manage_blocked_products"]
	not product_blocked.deny with input as question with data.cordon.settings.left_to_organizations as left
	product_blocked.deny with input as question
		with data.cordon.settings.left_to_organizations as []
		with data.cordon.settings.administrators_manage_blocked_products as false
}

test_manage_forbidden_by_the_organization if {
	question := given.chosen(_blocked_for("administrator"), {"administrators_manage_blocked_products": false})
	product_blocked.deny with input as question
		with data.cordon.settings.left_to_organizations as ["administrators_manage_blocked_products"]
		with data.cordon.settings.administrators_manage_blocked_products as true
}

test_manage_chosen_for_administrators_alone if {
	question := given.chosen(_blocked_for("client"), {"administrators_manage_blocked_products": true})
	product_blocked.deny with input as question
		with data.cordon.settings.left_to_organizations as ["administrators_manage_blocked_products"]
}

_blocked_for(role) := given.ask({"name": "manage"}, given.granted(role), given.held(given.item("domain"), ["host"]))

test_declared_action if {
	archive := given.ask({"name": "archive"}, given.member("administrator"), given.held(given.item("domain"), ["host"]))
	product_blocked.deny with input as archive
		with data.cordon.words as given.words
		with data.cordon.settings.administrators_manage_blocked_products as false
	not product_blocked.deny with input as archive
		with data.cordon.words as given.words
		with data.cordon.settings.administrators_manage_blocked_products as true
}

test_declared_action_that_is_allowed if {
	inspect := given.ask({"name": "inspect"}, given.member("administrator"), given.held(given.item("domain"), ["host"]))
	not product_blocked.deny with input as inspect with data.cordon.words as given.words
}

test_declared_action_of_others if {
	archive := given.ask({"name": "archive"}, given.outsider("host"), given.held(given.item("domain"), ["host"]))
	not product_blocked.deny with input as archive with data.cordon.words as given.words
	unblocked := given.ask({"name": "archive"}, given.member("administrator"), given.item("domain"))
	not product_blocked.deny with input as unblocked with data.cordon.words as given.words
	greet := given.ask({"name": "greet"}, given.member("client"), given.organization)
	not product_blocked.deny with input as greet with data.cordon.words as given.words
}
