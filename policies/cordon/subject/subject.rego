# METADATA
# title: Who asks
# description: |
#   What the rules ask about the subject (`domain.md` R1, R2).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
#   - data.cordon.words: schema.words
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
# description: |
#   an administrator, a limited user with a grant that gives the action, or one whose role is declared to be allowed it
has_access if admin

has_access if by_grant

has_access if by_role

# METADATA
# scope: document
# description: the product is granted, and the declaration of the role does not say that a grant gives less
by_grant if {
	input.subject.kind == "user"
	input.subject.granted
	not _grant_gives_less
}

by_grant if {
	input.subject.kind == "user"
	input.subject.granted
	input.action.name in data.cordon.words.roles[input.subject.role].granted
}

# METADATA
# description: the role is declared to be allowed the action, with a grant or without
by_role if {
	input.subject.kind == "user"
	input.action.name in data.cordon.words.roles[input.subject.role].allows[input.resource.type]
}

_grant_gives_less if data.cordon.words.roles[input.subject.role].granted
