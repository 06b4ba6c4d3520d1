package client

// Types of resources that Cordon's own rules know.
const (
	TypeUser         = "user" // the one type of a subject, too
	TypeProduct      = "product"
	TypeOrganization = "organization"
	TypeChannel      = "channel"
)

// Semantics of a batch of evaluations (AuthZEN 1.0, 7.1.2).
const (
	ExecuteAll          = "execute_all" // the default
	DenyOnFirstDeny     = "deny_on_first_deny"
	PermitOnFirstPermit = "permit_on_first_permit"
)

// Subject is who would act.
type Subject struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Properties map[string]any `json:"properties,omitempty"`
}

// Action is what they would do.
type Action struct {
	Name       string         `json:"name"`
	Properties map[string]any `json:"properties,omitempty"`
}

// Resource is what they would do it to. Users and channels need the property "organization".
type Resource struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Properties map[string]any `json:"properties,omitempty"`
}

// EvaluationRequest is one question (AuthZEN 1.0, 6.1).
type EvaluationRequest struct {
	Subject  Subject        `json:"subject"`
	Action   Action         `json:"action"`
	Resource Resource       `json:"resource"`
	Context  map[string]any `json:"context,omitempty"`
}

// EvaluationResponse is its answer. A denial is an answer, not an error.
type EvaluationResponse struct {
	Decision bool             `json:"decision"`
	Context  *DecisionContext `json:"context,omitempty"`
}

// DecisionContext says more about a decision.
type DecisionContext struct {
	Reasons []Reason         `json:"reasons,omitempty"` // all that hold, the decisive first
	Error   *EvaluationError `json:"error,omitempty"`   // of an item of a batch that could not be asked
	// ReasonUser tells the decision in sentences to the person concerned, ReasonAdmin to an
	// administrator; each only where Cordon-Explain asks for it.
	ReasonUser  Texts `json:"reason_user,omitempty"`
	ReasonAdmin Texts `json:"reason_admin,omitempty"`
}

// EvaluationError is why one item of a batch could not be decided; such an item is never a yes.
type EvaluationError struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// Error says why the item could not be decided.
func (e *EvaluationError) Error() string { return e.Message }

// EvaluationsRequest is many questions at once (AuthZEN 1.0, 7.1). Its own members are defaults for
// the items: an item's member replaces the default as a whole.
type EvaluationsRequest struct {
	Subject     *Subject       `json:"subject,omitempty"`
	Action      *Action        `json:"action,omitempty"`
	Resource    *Resource      `json:"resource,omitempty"`
	Context     map[string]any `json:"context,omitempty"`
	Evaluations []Evaluation   `json:"evaluations,omitempty"`
	Options     *Options       `json:"options,omitempty"`
}

// Evaluation is one item of a batch; what it leaves out is taken from the batch.
type Evaluation struct {
	Subject  *Subject       `json:"subject,omitempty"`
	Action   *Action        `json:"action,omitempty"`
	Resource *Resource      `json:"resource,omitempty"`
	Context  map[string]any `json:"context,omitempty"`
}

// Options say how a batch is to be worked through.
type Options struct {
	EvaluationsSemantic string `json:"evaluations_semantic,omitempty"`
}

// EvaluationsResponse has the answers in the order of the questions; shorter where the semantic
// says to stop.
type EvaluationsResponse struct {
	Evaluations []EvaluationResponse `json:"evaluations"`
}
