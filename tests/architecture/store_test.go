package architecture_test

import (
	"reflect"
	"testing"

	"cordon/datastore"
)

// TestTheStoreHasFewVerbs: each engine writes every one of them, and past 25 something is wrong with the cut
// (docs/design.md 3).
func TestTheStoreHasFewVerbs(t *testing.T) {
	verbs := map[string]bool{}
	for _, of := range []reflect.Type{reflect.TypeFor[datastore.Store](), reflect.TypeFor[datastore.Tx]()} {
		for method := range of.Methods() {
			verbs[method.Name] = true
		}
	}
	if len(verbs) > 25 || len(verbs) < 15 {
		t.Errorf("a store has %d verbs, want at most 25: %v", len(verbs), verbs)
	}
}
