package authzen.todo_test

import data.authzen.todo

people := {
	"rick": {"email": "rick@example.com", "roles": ["admin", "evil_genius"]},
	"morty": {"email": "morty@example.com", "roles": ["editor"]},
	"jerry": {"email": "jerry@example.com", "roles": ["viewer"]},
}

ask(person, action, owner) if todo.allow with input as {
	"subject": {"type": "user", "id": person},
	"action": {"name": action},
	"resource": {"type": "todo", "id": "1", "properties": {"ownerID": owner}},
}
	with data.authzen.todo.users as people

test_viewers_touch_nothing_of_their_own if {
	not ask("jerry", "can_update_todo", "jerry@example.com")
	not ask("jerry", "can_delete_todo", "jerry@example.com")
	ask("jerry", "can_read_todos", "")
}

test_editors_touch_their_own if {
	ask("morty", "can_create_todo", "")
	ask("morty", "can_update_todo", "morty@example.com")
	not ask("morty", "can_update_todo", "rick@example.com")
	not ask("morty", "can_delete_todo", "rick@example.com")
}

test_genius_updates_and_admins_delete_anything if {
	ask("rick", "can_update_todo", "jerry@example.com")
	ask("rick", "can_delete_todo", "jerry@example.com")
}

test_who_is_known_sees_users if {
	todo.allow with input as reading_of("morty") with data.authzen.todo.users as people
	not todo.allow with input as reading_of("mallory") with data.authzen.todo.users as people
}

reading_of(person) := {
	"subject": {"type": "user", "id": person},
	"action": {"name": "can_read_user"},
	"resource": {"type": "user", "id": "jerry@example.com"},
}

test_people_and_actions_are_found if {
	found := todo.entities with data.authzen.todo.users as people
	found.subject.user == {"rick", "morty", "jerry"}
	count(found.action) == 5
}
