package policies

import "cmp"

// Input is the question together with the facts it is decided on. Its JSON is what policies/schemas/input.jsonschema
// says; ids never occur in it, so that equal inputs share an answer. Lists are sorted and hold each value once.
type Input struct {
	Action       Action       `json:"action"`
	Subject      Subject      `json:"subject"`
	Resource     Resource     `json:"resource"`
	Organization Organization `json:"organization"`
	// Act is nil in a question ("may they?") and set when a change is decided.
	Act *Act `json:"act,omitempty"`
	// Time is nil where no rule looks at it; see Engine.Time.
	Time *Time `json:"time,omitempty"`
}

// Action is what is to be done (`docs/domain.md`, "What each action asks").
type Action struct {
	Name string `json:"name"`
	// Channel is, of mail actions, the channel they come through.
	Channel string `json:"channel,omitempty"`
	// Role is the new role of change_role, and of add_user (may be "").
	Role string `json:"role,omitempty"`
}

// NewAction returns an action as the rules see it: with what is meant where a question names no channel or role, and
// without what says nothing about that action, so that questions which mean the same share an answer.
func NewAction(name, channel, role string) Action {
	a := Action{Name: name}
	switch name {
	case "receive_mail", "read_mail", "send_mail":
		a.Channel = cmp.Or(channel, ChannelMailWeb)
	case "change_role":
		a.Role = cmp.Or(role, RoleCollaborator)
	case "add_user":
		a.Role = role
	}
	return a
}

// Subject is who asks.
type Subject struct {
	// Kind is one of the Subject constants; SubjectOther stands for every other type.
	Kind    string `json:"kind"`
	Member  bool   `json:"member"`
	Role    string `json:"role,omitempty"`
	Granted bool   `json:"granted"` // the product is granted to them (R1)
	Blocked bool   `json:"blocked"`
	// BlockedChannels are those their blocks name; the critical three are the policy's (U3, U4).
	BlockedChannels []string `json:"blocked_channels,omitempty"`
	// Itself says that the resource is the subject's own membership.
	Itself bool `json:"itself"`
}

// Resource is what it is done to.
type Resource struct {
	Type  string `json:"type"`
	Known bool   `json:"known"`
	Kind  string `json:"kind,omitempty"` // of a product
	// Blocks are the origins of the blocks in force on the product or on the user who is the resource.
	Blocks      []string `json:"blocks,omitempty"`
	Maintenance bool     `json:"maintenance"`
	Role        string   `json:"role,omitempty"`    // of the user who is the resource
	Channel     string   `json:"channel,omitempty"` // id of a channel
}

// Organization is what the others in the organization are (`docs/domain.md` R4, R5), and what it chose.
type Organization struct {
	// OtherAdmins says that an unblocked administrator or legal representative other than the resource exists.
	OtherAdmins bool `json:"other_admins"`
	// OtherLegalRepresentatives says that another legal representative exists, blocked or not.
	OtherLegalRepresentatives bool `json:"other_legal_representatives"`
	// Settings are what it chose; nil where it chose nothing.
	Settings *OrganizationSettings `json:"settings,omitempty"`
}

// Act is what a change brings along besides the question (`docs/domain.md` U2, "Whose block it is").
type Act struct {
	Origin string `json:"origin"` // one of the Origin constants
	// Code is the state of the support code for block, unblock and secure of a user: CodeMissing, CodeInvalid,
	// CodeValid, or "" where none is asked (an administrator's own secure). Anything else counts as invalid.
	Code string `json:"code,omitempty"`
	// Justification is true when one is present and not blank.
	Justification bool `json:"justification"`
	// Ends is true of a block that names its end.
	Ends bool `json:"ends,omitempty"`
}
