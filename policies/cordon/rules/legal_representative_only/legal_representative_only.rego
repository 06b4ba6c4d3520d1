# METADATA
# title: Only a legal representative makes and unmakes one
# description: |
#   To appoint, demote or remove a legal representative one must be one (`domain.md` R5); the host is not bound.
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: legal_representative_only
#   rank: 160
#   person:
#     en: "Only a legal representative may appoint, demote or remove a legal representative."
#     fr: "Seul un représentant légal peut en nommer un autre, le rétrograder ou le supprimer."
#     de: "Nur ein gesetzlicher Vertreter darf einen gesetzlichen Vertreter ernennen, herabstufen oder entfernen."
#   administrator:
#     en: "Ask a legal representative of your organization to do this."
#     fr: "Demandez à un représentant légal de votre organisation de le faire."
#     de: "Bitten Sie einen gesetzlichen Vertreter Ihrer Organisation darum."
package cordon.rules.legal_representative_only

deny if {
	input.action.name in {"add_user", "change_role"}
	input.action.role == "legal_representative"
	not input.resource.role == "legal_representative"
	not _not_bound
}

deny if {
	input.action.name == "change_role"
	input.resource.role == "legal_representative"
	not input.action.role == "legal_representative"
	not _not_bound
}

deny if {
	input.action.name == "remove"
	input.resource.role == "legal_representative"
	not _not_bound
}

_not_bound if input.subject.kind == "host"

_not_bound if {
	input.subject.kind == "user"
	input.subject.role == "legal_representative"
}
