# METADATA
# title: The roles
# description: |
#   The roles of `domain.md`, "Words", and those that the policy's words declare ("Words beyond these").
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
#   - data.cordon.words: schema.words
package cordon.roles

# METADATA
# scope: document
# description: every role
known contains role if some role in {"legal_representative", "administrator", "collaborator", "client"}

known contains role if some role, _ in data.cordon.words.roles

# METADATA
# description: the two roles with all rights
admin := {"legal_representative", "administrator"}
