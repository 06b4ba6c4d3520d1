# METADATA
# title: Todo
# description: |
#   Who may do what in a shared list of things to do (the Todo scenario of the AuthZEN working group). People are known
#   by the id that their identity provider has for them; the owner of a thing to do is sent along, by address.
package authzen.todo

default allow := false

allow if {
	input.action.name == "can_read_user"
	input.resource.type == "user"
	person
}

allow if {
	input.action.name == "can_read_todos"
	input.resource.type == "todo"
	person
}

allow if {
	input.action.name == "can_create_todo"
	input.resource.type == "todo"
	has_any({"admin", "editor"})
}

allow if {
	input.action.name == "can_update_todo"
	input.resource.type == "todo"
	has_any({"evil_genius"})
}

allow if {
	input.action.name == "can_delete_todo"
	input.resource.type == "todo"
	has_any({"admin"})
}

allow if {
	input.action.name in {"can_update_todo", "can_delete_todo"}
	input.resource.type == "todo"
	has_any({"editor"})
	input.resource.properties.ownerID == person.email
}

person := data.authzen.todo.users[input.subject.id] if input.subject.type == "user"

has_any(roles) if {
	some role in person.roles
	role in roles
}

# What a search may find. Things to do are not kept here, so none of them is.
entities := {
	"subject": {"user": object.keys(data.authzen.todo.users)},
	"action": ["can_read_user", "can_read_todos", "can_create_todo", "can_update_todo", "can_delete_todo"],
}
