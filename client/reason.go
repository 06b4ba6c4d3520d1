package client

import (
	"context"
	"net/http"
)

// Codes of reasons why something is denied (docs/domain.md, Reasons).
const (
	ReasonUnknownAction            = "unknown_action"
	ReasonUnknownResource          = "unknown_resource"
	ReasonNotAMember               = "not_a_member"
	ReasonUserBlocked              = "user_blocked"
	ReasonMailServiceNotBlockable  = "mail_service_not_blockable"
	ReasonNotAMailService          = "not_a_mail_service"
	ReasonRoleNotPermitted         = "role_not_permitted"
	ReasonNotGranted               = "not_granted"
	ReasonProductBlocked           = "product_blocked"
	ReasonMailInMaintenance        = "mail_in_maintenance"
	ReasonSupportCodeRequired      = "support_code_required"
	ReasonSupportCodeInvalid       = "support_code_invalid"
	ReasonJustificationRequired    = "justification_required"
	ReasonEndRequired              = "end_required"
	ReasonWouldLockOutOrganization = "would_lock_out_organization"
	ReasonLastLegalRepresentative  = "last_legal_representative"
	ReasonLegalRepresentativeOnly  = "legal_representative_only"
	ReasonBlockHeldBySupport       = "block_held_by_support"
	ReasonBlockHeldByHost          = "block_held_by_host"
	ReasonAdministrator            = "administrator"        // allowed
	ReasonLegalRepresentative      = "legal_representative" // allowed
	ReasonGranted                  = "granted"              // allowed
	ReasonRolePermitted            = "role_permitted"       // allowed
	ReasonMailReception            = "mail_reception"       // allowed
	ReasonMember                   = "member"               // allowed
	ReasonHost                     = "host"                 // allowed
	ReasonSupport                  = "support"              // allowed
)

// ReasonCodes are the codes that Cordon's own rules give, the denials first. A policy in force may have others: see
// [Client.Reasons].
func ReasonCodes() []string {
	return []string{
		ReasonUnknownAction, ReasonUnknownResource, ReasonNotAMember,
		ReasonUserBlocked, ReasonMailServiceNotBlockable, ReasonNotAMailService,
		ReasonRoleNotPermitted, ReasonNotGranted, ReasonProductBlocked,
		ReasonMailInMaintenance, ReasonSupportCodeRequired, ReasonSupportCodeInvalid,
		ReasonJustificationRequired, ReasonEndRequired, ReasonWouldLockOutOrganization, ReasonLastLegalRepresentative,
		ReasonLegalRepresentativeOnly, ReasonBlockHeldBySupport, ReasonBlockHeldByHost,
		ReasonAdministrator, ReasonLegalRepresentative, ReasonGranted, ReasonRolePermitted,
		ReasonMailReception, ReasonMember, ReasonHost,
		ReasonSupport,
	}
}

// Reason is why a decision is what it is: a code for programs and a sentence for people.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Readers of an explanation.
const (
	ExplainUser  = "user"  // the person concerned: who can help, and nobody's name
	ExplainAdmin = "admin" // an administrator: the rules, the ids of the blocks and the policy too
)

// Texts are one text by language, such as "en", "fr" and "de".
type Texts map[string]string

// Effects of a reason.
const (
	EffectAllow = "allow"
	EffectDeny  = "deny"
)

// ReasonCatalogue is every reason that the policy in force can give, in the order in which an answer
// gives them.
type ReasonCatalogue struct {
	Policy string        `json:"policy"` // digest
	Items  []ReasonTexts `json:"items"`
}

// ReasonTexts is what a reason tells its two readers: the person concerned, whose sentence is the
// message of a decision's reasons, and the administrator.
type ReasonTexts struct {
	Code   string `json:"code"`
	Effect string `json:"effect"` // EffectAllow or EffectDeny
	User   Texts  `json:"user"`
	Admin  Texts  `json:"admin"`
}

// Reasons reads the catalogue of the policy in force.
func (c *Client) Reasons(ctx context.Context) (ReasonCatalogue, error) {
	var catalogue ReasonCatalogue
	_, err := c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "reasons"}}, &catalogue)
	return catalogue, err
}
