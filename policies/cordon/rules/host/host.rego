# METADATA
# title: The host provisions
# description: |
#   Directory writes and blocks of the host itself are bound by no role (`domain.md`, "Whose block it is"); what holds
#   for everybody (kinds, R4, the last legal representative) holds for the host too.
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
# custom:
#   code: host
#   rank: 260
#   person:
#     en: "The host may do this, as the provider of the service."
#     fr: "L'hébergeur y est autorisé, en tant que fournisseur du service."
#     de: "Der Hoster darf dies als Anbieter des Dienstes."
#   administrator:
#     en: "This is an act of the host, who provides the service."
#     fr: "Il s'agit d'un acte de l'hébergeur, qui fournit le service."
#     de: "Dies ist ein Vorgang des Hosters, der den Dienst bereitstellt."
package cordon.rules.host

grant if input.subject.kind == "host"
