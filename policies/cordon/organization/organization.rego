# METADATA
# title: What holds in the organization
# description: |
#   What it chose of what the policy leaves to it, and for the rest what the policy says (`domain.md`, "Settings").
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
package cordon.organization

# METADATA
# scope: document
# description: its administrators and legal representatives may still manage a blocked product
administrators_manage_blocked_products if {
	"administrators_manage_blocked_products" in _chosen
	input.organization.settings.administrators_manage_blocked_products
}

administrators_manage_blocked_products if {
	data.cordon.settings.administrators_manage_blocked_products
	not "administrators_manage_blocked_products" in _chosen
}

# METADATA
# scope: document
# description: every block that somebody of it sets, or support for it, must have an end
blocks_must_end if {
	"blocks_must_end" in _chosen
	input.organization.settings.blocks_must_end
}

blocks_must_end if {
	data.cordon.settings.blocks_must_end
	not "blocks_must_end" in _chosen
}

_chosen contains name if {
	some name, _ in input.organization.settings
	name in data.cordon.settings.left_to_organizations
}
