package client

// Detail adds to a question what its action takes; see [Through] and [ToRole].
type Detail func(*EvaluationRequest)

// Ask makes the question whether a user may do something to a resource of Cordon's own rules.
func Ask(user, action string, on Resource, details ...Detail) EvaluationRequest {
	q := EvaluationRequest{Subject: Subject{Type: TypeUser, ID: user}, Action: Action{Name: action}, Resource: on}
	for _, detail := range details {
		detail(&q)
	}
	return q
}

// Through says by which channel mail is read or sent, such as [ChannelIMAP]; without it, on the web.
func Through(channel string) Detail { return property("channel", channel) }

// ToRole says to which role [ActionChangeRole] changes; without it, to a collaborator's.
func ToRole(role string) Detail { return property("role", role) }

func property(name, value string) Detail {
	return func(q *EvaluationRequest) {
		if q.Action.Properties == nil {
			q.Action.Properties = map[string]any{}
		}
		q.Action.Properties[name] = value
	}
}

// OnProduct is a product as the resource of a question.
func OnProduct(id string) Resource { return Resource{Type: TypeProduct, ID: id} }

// OnOrganization is an organization as the resource of a question.
func OnOrganization(id string) Resource { return Resource{Type: TypeOrganization, ID: id} }

// OnUser is a user of an organization as the resource of a question.
func OnUser(organization, id string) Resource { return within(organization, TypeUser, id) }

// OnChannel is a service channel of an organization as the resource of a question, such as [ChannelIMAP].
func OnChannel(organization, channel string) Resource {
	return within(organization, TypeChannel, channel)
}

func within(organization, kind, id string) Resource {
	return Resource{Type: kind, ID: id, Properties: map[string]any{"organization": organization}}
}
