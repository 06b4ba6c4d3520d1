package client

// SearchRequest asks which subjects, resources or actions a question would be allowed for (AuthZEN
// 1.0, 8). Of what is searched for only the type counts; for actions there is no Action at all.
type SearchRequest struct {
	Subject  *Subject       `json:"subject,omitempty"`
	Action   *Action        `json:"action,omitempty"`
	Resource *Resource      `json:"resource,omitempty"`
	Context  map[string]any `json:"context,omitempty"`
	Page     *SearchPage    `json:"page,omitempty"`
}

// SearchPage cuts a search.
type SearchPage struct {
	Token string `json:"token,omitempty"`
	Limit *int   `json:"limit,omitempty"`
}

// SearchResponse is what was found. T is [Subject], [Resource] or [Action].
type SearchResponse[T any] struct {
	Page    *SearchNext `json:"page,omitempty"`
	Results []T         `json:"results"`
}

// SearchNext tells where a search goes on.
type SearchNext struct {
	NextToken string `json:"next_token"` // empty: this was the last page
	Count     int    `json:"count"`
}

// Metadata is the document at /.well-known/authzen-configuration (AuthZEN 1.0, 9).
type Metadata struct {
	PolicyDecisionPoint       string   `json:"policy_decision_point"`
	AccessEvaluationEndpoint  string   `json:"access_evaluation_endpoint"`
	AccessEvaluationsEndpoint string   `json:"access_evaluations_endpoint,omitempty"`
	SearchSubjectEndpoint     string   `json:"search_subject_endpoint,omitempty"`
	SearchResourceEndpoint    string   `json:"search_resource_endpoint,omitempty"`
	SearchActionEndpoint      string   `json:"search_action_endpoint,omitempty"`
	Capabilities              []string `json:"capabilities,omitempty"`
}
