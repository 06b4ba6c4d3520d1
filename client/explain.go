package client

import (
	"context"
	"net/http"
	"time"
)

// Explanation is a record decided again, from its own input by its own policy.
type Explanation struct {
	// Reproduced reports whether deciding it again gave what is on record; WhyNot says why it did not, or could not.
	Reproduced bool   `json:"reproduced"`
	WhyNot     string `json:"why_not,omitempty"`
	// Decision and Reasons are those on record.
	Decision bool              `json:"decision"`
	Reasons  []ExplainedReason `json:"reasons"`
	// Rules are the bodies of rules that held when it was decided again, and Trace its evaluation, a line a step.
	Rules []FiredRule `json:"rules"`
	Trace []string    `json:"trace"`
	// WhoCanChangeIt are the acts that would change the decision, and who could do them.
	WhoCanChangeIt []DecisionChanger `json:"who_can_change_it"`
}

// ExplainedReason is a reason with its sentences for both readers; none where its policy is not known any more.
type ExplainedReason struct {
	Reason
	ReasonUser  Texts `json:"reason_user,omitempty"`
	ReasonAdmin Texts `json:"reason_admin,omitempty"`
}

// FiredRule is one body of a rule that held.
type FiredRule struct {
	Path   string `json:"path"` // within the policy
	Row    int    `json:"row"`
	Code   string `json:"code"`
	Effect string `json:"effect"` // EffectAllow or EffectDeny
	// Said reports whether the code is among the reasons: another reason may keep it from being said.
	Said bool `json:"said"`
}

// Effects of a [DecisionChanger].
const (
	ChangeAllows = "allows" // what was denied would be allowed
	ChangeHelps  = "helps"  // one of several reasons would be gone
	ChangeDenies = "denies" // what was allowed would be denied
)

// DecisionChanger is an act that would change a decision, and who could do it.
type DecisionChanger struct {
	Action   string       `json:"action"`
	Resource RecordEntity `json:"resource"`
	ToRoles  []string     `json:"to_roles,omitempty"` // of change_role and add_user
	Effect   string       `json:"effect"`
	Origin   string       `json:"origin,omitempty"` // whose block is lifted
	Set      []SetBy      `json:"set,omitempty"`    // the blocks, or the maintenance, that would be lifted
	// Roles are those of members who could do it by the policy in force; Support that support could, told a support
	// code, and Host that the host itself could.
	Roles   []string `json:"roles"`
	Support bool     `json:"support"`
	Host    bool     `json:"host"`
	// People have one of the roles today and are not blocked; nil where the reader may not see them. More are not named.
	People []Person `json:"people,omitzero"`
	More   int      `json:"more,omitzero"`
}

// SetBy is a block or a maintenance, with the record of its beginning.
type SetBy struct {
	ID        string    `json:"id"`
	By        string    `json:"by"`
	Since     time.Time `json:"since"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Record    string    `json:"record"`
}

// Person is a member, as far as one has to know to turn to them.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	Role string `json:"role"`
}

// ExplainRecord decides a record again and says how its policy came to the decision, and who can change it.
func (c *Client) ExplainRecord(ctx context.Context, id string) (Explanation, error) {
	return one[Explanation](ctx, c, http.MethodGet, nil, "v1/decisions", id, "explain")
}
