package client

// Types are all types of resources that Cordon's own rules know.
func Types() []string { return []string{TypeProduct, TypeUser, TypeOrganization, TypeChannel} }

// Actions are those of Cordon's own rules on a type of resource (docs/domain.md, What each action asks); none on a type
// that they do not know.
func Actions(on string) []string {
	switch on {
	case TypeProduct:
		return []string{
			"view", "manage", "change_product", "remove", "block", "unblock",
			"receive_mail", "read_mail", "send_mail", "start_maintenance", "end_maintenance",
		}
	case TypeUser:
		return []string{"change_profile", "change_role", "change_grants", "remove", "secure", "block", "unblock"}
	case TypeOrganization:
		return []string{"view", "change_organization", "change_settings", "add_user", "add_product", "create_support_code", "view_decisions"}
	case TypeChannel:
		return []string{"use"}
	}
	return nil
}
