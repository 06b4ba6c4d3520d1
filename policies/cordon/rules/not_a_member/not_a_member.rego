# METADATA
# title: Nobody acts across organizations
# description: |
#   A person who does not belong to the organization, and any subject that is neither a user nor one of the two
#   sides that act without membership, is refused everything (`domain.md` R3). This reason stands alone.
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: not_a_member
#   rank: 30
#   stands_alone: true
#   person:
#     en: "You do not belong to this organization."
#     fr: "Vous n'appartenez pas à cette organisation."
#     de: "Sie gehören nicht zu dieser Organisation."
#   administrator:
#     en: "This person is no user of your organization; add them to let them work here."
#     fr: "Cette personne n'est pas utilisateur de votre organisation ; ajoutez-la pour qu'elle puisse y travailler."
#     de: "Diese Person ist kein Benutzer Ihrer Organisation; fügen Sie sie hinzu, damit sie hier arbeiten kann."
package cordon.rules.not_a_member

deny if not input.subject.kind in {"user", "agent", "host"}

deny if {
	input.subject.kind == "user"
	not input.subject.member
}
