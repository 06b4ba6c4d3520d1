package segment

import (
	"cmp"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// table is a group whose fields come in the order of [columns]; the library would sort them by name.
type table struct {
	parquet.Group
	order map[string]int
}

// Fields returns the columns in their order.
func (t table) Fields() []parquet.Field {
	fields := t.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int { return cmp.Compare(t.order[a.Name()], t.order[b.Name()]) })
	return fields
}

// schema describes the rows of a segment to the library and to whoever opens the file.
func schema() *parquet.Schema {
	t := table{Group: parquet.Group{}, order: map[string]int{}}
	for i, c := range columns(new(row)) {
		t.Group[c.name] = c.node()
		t.order[c.name] = i
	}
	return parquet.NewSchema("record", t)
}
