# METADATA
# title: The roles
# description: |
#   The roles of `domain.md`, "Words".
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
package cordon.roles

# METADATA
# description: every role
known := {"legal_representative", "administrator", "collaborator", "client"}

# METADATA
# description: the two roles with all rights
admin := {"legal_representative", "administrator"}
