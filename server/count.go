package server

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cordon.example/client"
	"cordon/guard"
)

// countRecords answers how many records that the filters select allowed and how many denied.
func countRecords(c *call) error {
	query := c.req.URL.Query()
	filter, err := selected(query)
	if err != nil {
		return err
	}
	by, err := oneOf(query, "by", guard.CountedBy()...)
	if err != nil {
		return err
	}
	if by == "" {
		return because(errQuery, "by says what to count by: "+strings.Join(guard.CountedBy(), " or "))
	}
	counts, err := c.server.config.Guard.Counts(c.context(), &c.origin, filter, by)
	if err != nil {
		return fmt.Errorf("count records: %w", err)
	}
	return c.answer(http.StatusOK, showCounts(&counts, by))
}

// showCounts puts the hours in their order, and of all else what there is most of first.
func showCounts(counts *guard.Counts, by string) client.RecordCounts {
	shown := client.RecordCounts{Items: make([]client.RecordCount, 0, len(counts.By)), Complete: counts.Complete, Since: utc(counts.Since)}
	for key, n := range counts.By {
		shown.Items = append(shown.Items, client.RecordCount{Key: key, Allowed: n.Allowed, Denied: n.Denied})
	}
	slices.SortFunc(shown.Items, func(a, b client.RecordCount) int {
		most := cmp.Compare(b.Allowed+b.Denied, a.Allowed+a.Denied)
		if by == client.CountByHour {
			most = 0
		}
		return cmp.Or(most, cmp.Compare(a.Key, b.Key))
	})
	return shown
}
