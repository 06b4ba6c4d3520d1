package authzen.certification_test

import data.authzen.certification

alice := {"type": "user", "id": "alice"}

bob := {"type": "user", "id": "bob"}

active := {"type": "record", "id": "record-1"}

archived := {"type": "record", "id": "record-2"}

ask(subject, action, resource) if certification.allow with input as {
	"subject": subject,
	"action": action,
	"resource": resource,
}

test_both_read if {
	every subject in [alice, bob] {
		every resource in [active, archived] {
			ask(subject, {"name": "read"}, resource)
		}
	}
}

test_nobody_unknown_reads if not ask({"type": "user", "id": "mallory"}, {"name": "read"}, active)

test_what_is_active_is_written_by_all_but_admins if {
	ask(alice, {"name": "write"}, active)
	not ask(bob, {"name": "write"}, active)
}

test_what_is_archived_is_written_by_admins_alone if {
	ask(bob, {"name": "write"}, archived)
	not ask(alice, {"name": "write"}, archived)
	not ask(alice, {"name": "write"}, object.union(active, {"properties": {"status": "archived"}}))
}

test_what_is_said_goes_before_what_is_known if ask(
	{"type": "user", "id": "eve", "properties": {"role": "admin"}}, {"name": "write"},
	{"type": "record", "id": "record-9", "properties": {"status": "archived"}},
)

test_only_a_soft_deletion if {
	ask(alice, {"name": "delete", "properties": {"soft": true}}, active)
	not ask(alice, {"name": "delete", "properties": {"soft": false}}, active)
	not ask(alice, {"name": "delete"}, active)
}

test_all_that_is_known_is_found if {
	certification.entities.subject.user == {"alice", "bob"}
	certification.entities.resource.record == {"record-1", "record-2"}
	certification.entities.action == ["read", "write", "delete"]
}
