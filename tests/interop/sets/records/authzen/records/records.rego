# METADATA
# title: Records
# description: |
#   Who may see, edit and delete records of a company (the search and the identity provider scenario of the AuthZEN
#   working group). All of it is known here, so all of it can be searched.
package authzen.records

default allow := false

allow if {
	input.action.name in {"view", "edit", "delete"}
	record.owner == input.subject.id
	user
}

allow if {
	input.action.name == "view"
	record.department == user.department
}

allow if {
	input.action.name == "view"
	record
	user.role == "manager"
}

allow if {
	input.action.name == "edit"
	user.role == "manager"
	record.department == user.department
}

user := data.authzen.records.users[input.subject.id] if input.subject.type == "user"

record := data.authzen.records.records[input.resource.id] if input.resource.type == "record"

entities := {
	"subject": {"user": object.keys(data.authzen.records.users)},
	"resource": {"record": object.keys(data.authzen.records.records)},
	"action": ["view", "edit", "delete"],
}
