# METADATA
# title: Who asks
# description: |
#   What the rules ask about the subject (`domain.md` R1, R2).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
package cordon.subject

import data.cordon.roles

# METADATA
# description: a user with all rights in the organization
admin if {
	input.subject.role in roles.admin
	input.subject.kind == "user"
}

# METADATA
# description: a user without them; a role that nobody knows gives none
limited if {
	input.subject.kind == "user"
	not admin
}

# METADATA
# scope: document
# description: an administrator, or a limited user with a grant
has_access if admin

has_access if {
	input.subject.kind == "user"
	input.subject.granted
}
