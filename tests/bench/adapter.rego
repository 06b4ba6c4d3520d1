# METADATA
# title: Cordon's rules over a directory that opa holds itself
# description: Projects a question and opa's data on the input of the rules, as Cordon's guard does.
package bench

decision := answer if {
	answer := data.cordon.decision with input as projected
}

projected := {
	"action": {"name": input.action.name},
	"subject": {
		"kind": "user",
		"member": _member,
		"role": _role,
		"granted": _granted,
		"blocked": false,
		"itself": false,
	},
	"resource": {"type": "product", "known": true, "kind": _product.kind, "maintenance": false},
	"organization": {"other_admins": true, "other_legal_representatives": true},
}

_product := data.world.products[input.resource.id]

_user := data.world.users[_product.organization][input.subject.id]

default _member := false

_member if _user

default _role := ""

_role := _user.role

default _granted := false

_granted if _user.grants[input.resource.id]
