# METADATA
# description: What the tests of the rules are made of.
package cordon.fixtures_test

ask(action, subject, resource) := {
	"action": action,
	"subject": subject,
	"resource": resource,
	"organization": {"other_admins": true, "other_legal_representatives": true},
}

member(role) := {
	"kind": "user",
	"member": true,
	"role": role,
	"granted": false,
	"blocked": false,
	"itself": false,
}

granted(role) := object.union(member(role), {"granted": true})

blocked(role, channels) := object.union(member(role), {"blocked": true, "blocked_channels": channels})

oneself(role) := object.union(member(role), {"itself": true})

outsider(kind) := {"kind": kind, "member": false, "granted": false, "blocked": false, "itself": false}

item(kind) := {"type": "product", "known": true, "kind": kind, "maintenance": false}

organization := {"type": "organization", "known": true, "maintenance": false}

user(role) := {"type": "user", "known": true, "role": role, "maintenance": false}

channel(id) := {"type": "channel", "known": true, "channel": id, "maintenance": false}

held(resource, origins) := object.union(resource, {"blocks": origins})

maintained := object.union(item("mail_service"), {"maintenance": true})

mail(name, channel) := {"name": name, "channel": channel}

alone(question, what) := object.union(question, {"organization": what})

chosen(question, settings) := object.union(question, {"organization": {"settings": settings}})

# what tests of declared words declare
words := {
	"roles": {
		"accountant": {"allows": {"product": ["view", "archive"], "organization": ["view_decisions"]}},
		"reader": {"granted": ["view"]},
	},
	"actions": {
		"archive": {"on": "product", "asks": "admin"},
		"inspect": {"on": "product", "asks": "access", "while_blocked": "allowed"},
		"greet": {"on": "organization", "asks": "member"},
	},
}

act(question, brought) := object.union(question, {"act": object.union(
	{"origin": "administrator", "justification": true},
	brought,
)})

at(question, weekday, hour) := object.union(question, {"time": {"weekday": weekday, "hour": hour}})
