# METADATA
# title: Gateway
# description: |
#   Which requests an API gateway lets through (the gateway scenario of the AuthZEN working group): a resource is a
#   route as the gateway writes it, an action is a method of HTTP.
package authzen.gateway

default allow := false

allow if {
	input.subject.type == "identity"
	input.resource.type == "route"
	some role in data.authzen.gateway.people[input.subject.id].roles
	role in data.authzen.gateway.routes[input.resource.id][input.action.name]
}

entities := {
	"subject": {"identity": object.keys(data.authzen.gateway.people)},
	"resource": {"route": object.keys(data.authzen.gateway.routes)},
	"action": {method | some methods in data.authzen.gateway.routes; some method, _ in methods},
}
