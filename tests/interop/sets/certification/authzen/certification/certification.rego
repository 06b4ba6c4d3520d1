# METADATA
# title: Certification
# description: |
#   The scenario that a PDP is certified by (AuthZEN 1.0). What a question says of a user or a record goes before what
#   is known of them, as the scenario has it; a policy about people's rights would not believe its callers so much.
package authzen.certification

default allow := false

allow if {
	input.action.name == "read"
	known
}

allow if {
	input.action.name == "write"
	known
	not user.role == "admin"
	not record.status == "archived"
}

allow if {
	input.action.name == "write"
	user.role == "admin"
	record.status == "archived"
}

allow if {
	input.action.name == "delete"
	input.action.properties.soft == true
	known
}

known if {
	input.subject.type == "user"
	input.resource.type == "record"
	data.authzen.certification.users[input.subject.id]
	data.authzen.certification.records[input.resource.id]
}

user := as_sent(data.authzen.certification.users, input.subject) if input.subject.type == "user"

record := as_sent(data.authzen.certification.records, input.resource) if input.resource.type == "record"

# What is known of an entity, and over that what the question says of it.
as_sent(all, entity) := object.union(object.get(all, entity.id, {}), object.get(entity, "properties", {}))

entities := {
	"subject": {"user": object.keys(data.authzen.certification.users)},
	"resource": {"record": object.keys(data.authzen.certification.records)},
	"action": ["read", "write", "delete"],
}
