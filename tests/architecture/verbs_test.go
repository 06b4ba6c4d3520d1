package architecture_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"cordon/datastore"
)

// mostVerbs is how many verbs a store may have, all parts of its contract together. Past it,
// ask what is wrong: a getter for each noun is what it was the last time.
const mostVerbs = 25

func TestStoreHasFewVerbs(t *testing.T) {
	verbs := map[string]bool{}
	for _, part := range []reflect.Type{reflect.TypeFor[datastore.Store](), reflect.TypeFor[datastore.Tx]()} {
		for method := range part.Methods() {
			verbs[method.Name] = true
		}
	}
	if len(verbs) > mostVerbs {
		t.Errorf("a store has %d verbs, at most %d are allowed: %v", len(verbs), mostVerbs, slices.Sorted(maps.Keys(verbs)))
	}
}
