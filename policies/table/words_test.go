package table_test

import (
	"slices"
	"testing"

	"cordon/policies"
	"cordon/policies/table"
)

// worded gives the built-in rules with words of their own.
func worded(t testing.TB, words string) *policies.Engine {
	t.Helper()
	return compile(t, map[string]string{"cordon/words.json": `{"words": ` + words + `}`})
}

// Whatever kinds a policy declares, the table has one more, which stands for all others.
func TestTheTableHasAKindThatNoPolicyDeclares(t *testing.T) {
	engine := worded(t, `{"kinds": {"web_hosting": {}, "cloud_server": {}, "domain": {}, "kdrive": {}, "other": {}, "other_": {}}}`)
	cells, err := table.CellsAbout("product", "view", engine)
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for _, cell := range cells {
		if kind := cell.Input.Resource.Kind; cell.Facts["kind"] == "any other kind" && cell.Input.Resource.Known && !slices.Contains(others, kind) {
			others = append(others, kind)
		}
	}
	if len(others) != 1 || slices.Contains(engine.Kinds(), others[0]) {
		t.Errorf("any other kind is %q", others)
	}
}
