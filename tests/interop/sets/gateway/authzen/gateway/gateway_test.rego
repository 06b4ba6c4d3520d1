package authzen.gateway_test

import data.authzen.gateway

ask(person, method, route) if gateway.allow with input as {
	"subject": {"type": "identity", "id": person},
	"action": {"name": method},
	"resource": {"type": "route", "id": route},
}
	with data.authzen.gateway.people as {"rick": {"roles": ["admin"]}, "beth": {"roles": ["viewer"]}}

test_all_read if ask("beth", "GET", "/todos")

test_admins_write if {
	ask("rick", "POST", "/todos")
	not ask("beth", "POST", "/todos")
}

test_strangers_do_nothing if not ask("mallory", "GET", "/todos")

test_routes_and_methods_are_found if {
	gateway.entities.resource.route == {"/users/{userId}", "/todos", "/todos/{todoId}"}
	gateway.entities.action == {"GET", "POST", "PUT", "DELETE"}
}
