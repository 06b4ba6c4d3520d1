/** Types of resources that Cordon's own rules know. */
export const Type = {
  user: "user",
  product: "product",
  organization: "organization",
  channel: "channel",
} as const;

/** Actions of Cordon's own rules (docs/domain.md, What each action asks); a policy may declare others. */
export const Action = {
  addProduct: "add_product",
  addUser: "add_user",
  block: "block",
  changeGrants: "change_grants",
  changeOrganization: "change_organization",
  changeProduct: "change_product",
  changeProfile: "change_profile",
  changeRole: "change_role",
  changeSettings: "change_settings",
  createSupportCode: "create_support_code",
  endMaintenance: "end_maintenance",
  manage: "manage",
  readMail: "read_mail",
  receiveMail: "receive_mail",
  remove: "remove",
  secure: "secure",
  sendMail: "send_mail",
  startMaintenance: "start_maintenance",
  unblock: "unblock",
  use: "use",
  view: "view",
  viewDecisions: "view_decisions",
} as const;

/** Service channels that a block of a user may close; the first three every block closes. */
export const Channel = {
  manager: "manager",
  kdriveWeb: "kdrive_web",
  mailWeb: "mail_web",
  imap: "imap",
  smtp: "smtp",
  ftp: "ftp",
  ssh: "ssh",
  database: "database",
} as const;

/** Roles of a user in an organization, the one with most rights first; a policy may declare others. */
export const Role = {
  legalRepresentative: "legal_representative",
  administrator: "administrator",
  collaborator: "collaborator",
  client: "client",
} as const;

/** The one kind of product with rules of its own: it goes into maintenance and is not blocked. */
export const Kind = { mailService: "mail_service" } as const;

/** Whose block it is. */
export const Origin = {
  administrator: "administrator",
  support: "support",
  host: "host",
} as const;

/** Codes of the reasons of Cordon's own rules (docs/domain.md, Reasons); a policy may give others. */
export const Reason = {
  unknownAction: "unknown_action",
  unknownResource: "unknown_resource",
  notAMember: "not_a_member",
  userBlocked: "user_blocked",
  mailServiceNotBlockable: "mail_service_not_blockable",
  notAMailService: "not_a_mail_service",
  roleNotPermitted: "role_not_permitted",
  notGranted: "not_granted",
  productBlocked: "product_blocked",
  mailInMaintenance: "mail_in_maintenance",
  supportCodeRequired: "support_code_required",
  supportCodeInvalid: "support_code_invalid",
  justificationRequired: "justification_required",
  endRequired: "end_required",
  wouldLockOutOrganization: "would_lock_out_organization",
  lastLegalRepresentative: "last_legal_representative",
  legalRepresentativeOnly: "legal_representative_only",
  blockHeldBySupport: "block_held_by_support",
  blockHeldByHost: "block_held_by_host",
  administrator: "administrator",
  legalRepresentative: "legal_representative",
  granted: "granted",
  rolePermitted: "role_permitted",
  mailReception: "mail_reception",
  member: "member",
  host: "host",
  support: "support",
} as const;

/** How a batch is worked through (AuthZEN 1.0, 7.1.2). */
export const Semantic = {
  executeAll: "execute_all",
  denyOnFirstDeny: "deny_on_first_deny",
  permitOnFirstPermit: "permit_on_first_permit",
} as const;

/** Readers of an explanation: the person concerned, or an administrator (scope `audit`). */
export const Explain = { user: "user", admin: "admin" } as const;

/** Events that a webhook is sent. */
export const EventType = {
  productBlocked: "product.blocked",
  productUnblocked: "product.unblocked",
  maintenanceStarted: "maintenance.started",
  maintenanceEnded: "maintenance.ended",
  userBlocked: "user.blocked",
  userUnblocked: "user.unblocked",
  userSecure: "user.secure",
  userRoleChanged: "user.role_changed",
} as const;

/** One of the words of a table above. */
export type WordOf<T> = T[keyof T];

/** One of the words of a table above, or any other that a policy brings. */
export type OpenWordOf<T> = T[keyof T] | (string & Record<never, never>);

export type TypeName = OpenWordOf<typeof Type>;
export type ActionName = OpenWordOf<typeof Action>;
export type ChannelName = OpenWordOf<typeof Channel>;
export type RoleName = OpenWordOf<typeof Role>;
export type ReasonCode = OpenWordOf<typeof Reason>;
export type SemanticName = WordOf<typeof Semantic>;
export type Reader = WordOf<typeof Explain>;
export type EventTypeName = OpenWordOf<typeof EventType>;
