package policies_test

// reasonCodes are `domain.md`, "Reasons", in the order in which they are given, and after them those of allows.
var reasonCodes = []string{
	"unknown_action", "unknown_resource", "not_a_member", "user_blocked",
	"mail_service_not_blockable", "not_a_mail_service", "role_not_permitted", "not_granted",
	"product_blocked", "mail_in_maintenance",
	"support_code_required", "support_code_invalid", "justification_required", "would_lock_out_organization",
	"last_legal_representative", "legal_representative_only", "block_held_by_support", "block_held_by_host",
	"mail_reception", "member", "legal_representative", "administrator", "granted", "host", "support",
}
