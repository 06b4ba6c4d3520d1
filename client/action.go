package client

// Actions of Cordon's own rules, and what they are done to (docs/domain.md, What each action asks). A policy in force may
// have others: see [Client.Words].
const (
	ActionView               = "view"                // products, organizations
	ActionManage             = "manage"              // products
	ActionChangeProduct      = "change_product"      // products
	ActionRemove             = "remove"              // products, users
	ActionBlock              = "block"               // products, users
	ActionUnblock            = "unblock"             // products, users
	ActionReceiveMail        = "receive_mail"        // products
	ActionReadMail           = "read_mail"           // products
	ActionSendMail           = "send_mail"           // products
	ActionStartMaintenance   = "start_maintenance"   // products
	ActionEndMaintenance     = "end_maintenance"     // products
	ActionChangeProfile      = "change_profile"      // users
	ActionChangeRole         = "change_role"         // users
	ActionChangeGrants       = "change_grants"       // users
	ActionSecure             = "secure"              // users
	ActionChangeOrganization = "change_organization" // organizations
	ActionChangeSettings     = "change_settings"     // organizations
	ActionAddUser            = "add_user"            // organizations
	ActionAddProduct         = "add_product"         // organizations
	ActionCreateSupportCode  = "create_support_code" // organizations
	ActionViewDecisions      = "view_decisions"      // organizations
	ActionUse                = "use"                 // channels
)

// Types are all types of resources that Cordon's own rules know.
func Types() []string { return []string{TypeProduct, TypeUser, TypeOrganization, TypeChannel} }

// Actions are those of Cordon's own rules on a type of resource; none on a type that they do not know.
func Actions(on string) []string {
	switch on {
	case TypeProduct:
		return []string{
			ActionView, ActionManage, ActionChangeProduct, ActionRemove, ActionBlock, ActionUnblock,
			ActionReceiveMail, ActionReadMail, ActionSendMail, ActionStartMaintenance, ActionEndMaintenance,
		}
	case TypeUser:
		return []string{
			ActionChangeProfile, ActionChangeRole, ActionChangeGrants, ActionRemove, ActionSecure, ActionBlock,
			ActionUnblock,
		}
	case TypeOrganization:
		return []string{
			ActionView, ActionChangeOrganization, ActionChangeSettings, ActionAddUser, ActionAddProduct, ActionCreateSupportCode,
			ActionViewDecisions,
		}
	case TypeChannel:
		return []string{
			ActionUse,
		}
	}
	return nil
}
