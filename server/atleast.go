package server

import (
	"strconv"
	"strings"

	"cordon.example/client"
	"cordon/guard"
)

// mostAtLeast bounds the pairs of a Cordon-At-Least header: each may cost a look into the store.
const mostAtLeast = 16

// atLeast reads Cordon-At-Least: org=revision, more of them by comma (docs/design.md 11, Revisions).
func atLeast(values []string) ([]guard.AtLeast, error) {
	if len(values) == 0 {
		return nil, nil
	}
	var list []guard.AtLeast
	for pair := range strings.SplitSeq(strings.Join(values, ","), ",") {
		organization, number, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
		revision, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil || revision < 0 || number[0] == '+' || number[0] == '-' || !guard.ValidID(organization) {
			return nil, because(errHeader, client.HeaderAtLeast+" must be pairs organization=revision, separated by commas")
		}
		if len(list) == mostAtLeast {
			return nil, because(errHeader, client.HeaderAtLeast+" has more than "+strconv.Itoa(mostAtLeast)+" pairs")
		}
		list = append(list, guard.AtLeast{Organization: organization, Revision: revision})
	}
	return list, nil
}
