# METADATA
# title: The last legal representative stays
# description: |
#   Blocked or not, the last one is neither removed nor given another role, by nobody (`domain.md` R5).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: last_legal_representative
#   rank: 150
#   person:
#     en: "The last legal representative of an organization can be neither removed nor given another role."
#     fr: "Le dernier représentant légal d'une organisation ne peut être ni supprimé ni changé de rôle."
#     de: "Der letzte gesetzliche Vertreter einer Organisation wird weder entfernt noch erhält er eine andere Rolle."
#   administrator:
#     en: "Make another user a legal representative first."
#     fr: "Nommez d'abord un autre utilisateur représentant légal."
#     de: "Machen Sie zuerst einen anderen Benutzer zum gesetzlichen Vertreter."
package cordon.rules.last_legal_representative

deny if {
	input.resource.role == "legal_representative"
	input.action.name == "remove"
	not input.organization.other_legal_representatives
}

deny if {
	input.resource.role == "legal_representative"
	input.action.name == "change_role"
	not input.action.role == "legal_representative"
	not input.organization.other_legal_representatives
}
