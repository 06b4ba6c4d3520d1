package client

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
	ReasonWouldLockOutOrganization = "would_lock_out_organization"
	ReasonLastLegalRepresentative  = "last_legal_representative"
	ReasonLegalRepresentativeOnly  = "legal_representative_only"
	ReasonBlockHeldBySupport       = "block_held_by_support"
	ReasonBlockHeldByHost          = "block_held_by_host"
	ReasonAdministrator            = "administrator"        // allowed
	ReasonLegalRepresentative      = "legal_representative" // allowed
	ReasonGranted                  = "granted"              // allowed
	ReasonMailReception            = "mail_reception"       // allowed
	ReasonMember                   = "member"               // allowed
)

// Reason is why a decision is what it is: a code for programs and a sentence for people.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Texts are one text in the languages that Cordon speaks.
type Texts struct {
	EN string `json:"en"`
	FR string `json:"fr"`
	DE string `json:"de"`
}
