# METADATA
# title: What is asked about
# description: |
#   What the rules ask about the resource (`domain.md`, "Whose block it is").
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
package cordon.resource

# METADATA
# description: a block of any origin stands
blocked if input.resource.blocks != []

# METADATA
# description: a block stands that the asker's own side set
own_block_stands if _origin in input.resource.blocks

default _origin := "administrator"

_origin := input.act.origin
