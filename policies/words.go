package policies

// The kinds of subject.
const (
	SubjectUser  = "user"
	SubjectAgent = "agent" // of support, no member
	SubjectHost  = "host"  // provisioning
	SubjectOther = "other" // every other type of subject
)

// The types of resource (`docs/domain.md`, "What each action asks").
const (
	TypeProduct      = "product"
	TypeUser         = "user"
	TypeOrganization = "organization"
	TypeChannel      = "channel"
)

// The roles (`docs/domain.md`, "Words").
const (
	RoleLegalRepresentative = "legal_representative"
	RoleAdministrator       = "administrator"
	RoleCollaborator        = "collaborator"
	RoleClient              = "client"
)

// The service channels (`docs/domain.md`, "Words").
const (
	ChannelManager   = "manager"
	ChannelKdriveWeb = "kdrive_web"
	ChannelMailWeb   = "mail_web"
	ChannelIMAP      = "imap"
	ChannelSMTP      = "smtp"
	ChannelFTP       = "ftp"
	ChannelSSH       = "ssh"
	ChannelDatabase  = "database"
)

// The origins of blocks (`docs/domain.md`, "Whose block it is").
const (
	OriginAdministrator = "administrator"
	OriginSupport       = "support"
	OriginHost          = "host"
)

// The states of a support code.
const (
	CodeMissing = "missing"
	CodeInvalid = "invalid"
	CodeValid   = "valid"
)

// Kinds of products that the domain names. Any other word is a kind, too.
const (
	KindMailService = "mail_service" // the one that has rules of its own (M1 to M3)
	KindWebHosting  = "web_hosting"
	KindCloudServer = "cloud_server"
	KindDomain      = "domain"
	KindKDrive      = "kdrive"
)

// The codes of reasons (`docs/domain.md`, "Reasons", in the order in which they are given). A policy may have others;
// these are what the built-in rules say, and a test compares the two.
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

	ReasonMailReception       = "mail_reception"
	ReasonMember              = "member"
	ReasonLegalRepresentative = "legal_representative"
	ReasonAdministrator       = "administrator"
	ReasonGranted             = "granted"
	ReasonRolePermitted       = "role_permitted"
	ReasonHost                = "host"
	ReasonSupport             = "support"
)
