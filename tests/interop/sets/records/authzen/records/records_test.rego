package authzen.records_test

import data.authzen.records

ask(user, action, record) if records.allow with input as {
	"subject": {"type": "user", "id": user},
	"action": {"name": action},
	"resource": {"type": "record", "id": record},
}

test_an_owner_does_all if {
	every action in ["view", "edit", "delete"] {
		ask("bob", action, "102")
	}
}

test_a_colleague_views_and_no_more if {
	ask("carol", "view", "102")
	not ask("carol", "edit", "102")
	not ask("felix", "view", "102")
}

test_a_manager_edits_what_a_colleague_owns if ask("dan", "edit", "106") with data.authzen.records.records as {"106": {
	"owner": "felix",
	"department": "Finance",
}}

test_a_manager_views_all_and_edits_in_the_department if {
	ask("alice", "view", "104")
	not ask("alice", "edit", "104")
	not ask("alice", "view", "999")
}

test_every_action_is_found if records.entities.action == ["view", "edit", "delete"]
