package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cordon/datastore"
)

// What the library keeps is notes, which are found by their names:
//
//	policy/<set>                         its gates and what is to be reviewed
//	policy/<set>/digests/<digest>        the id of the version with that content
//	policy/<set>/versions/<id>           what is known of a version; ids grow with time
//	policy/<set>/activations/<number>    an activation, for the history
func noteOf(set string) string             { return "policy/" + set }
func digestNote(set, digest string) string { return noteOf(set) + "/digests/" + digest }
func versionNote(set, id string) string    { return noteOf(set) + "/versions/" + id }
func activationNote(set string, n int64) string {
	return fmt.Sprintf("%s/activations/%016d", noteOf(set), n)
}

// policyFile names the file of a version's content.
func policyFile(digest string) string { return "policy/" + digest + ".json" }

// read reads what a note says, and whether there is one.
func read[T any](ctx context.Context, from datastore.Reader, name string) (value T, there bool, err error) {
	note, err := datastore.Get(ctx, from, datastore.Note{Name: name})
	if errors.Is(err, datastore.ErrNotFound) {
		return value, false, nil
	}
	if err == nil {
		err = json.Unmarshal(note.Body, &value)
	}
	if err != nil {
		return value, false, fmt.Errorf("read %s: %w", name, err)
	}
	return value, true, nil
}

// write puts what a note is to say.
func write(ctx context.Context, tx datastore.Tx, name string, value any) error {
	body, err := json.Marshal(value)
	if err == nil {
		err = tx.Put(ctx, datastore.Note{Name: name, Body: body})
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// newest lists what the notes below a name say, those of the greatest names first: a page of them, and the cursor of
// the next one, which is empty at the end. It costs what is on the page.
func newest[T any](ctx context.Context, from datastore.Reader, folder string, page Page) (items []T, next string, err error) {
	items = []T{}
	before := folder + "0" // the byte behind the slash
	if page.After != "" {
		before = folder + "/" + page.After
	}
	ask := datastore.Page{After: before, Descending: true}
	if page.Limit > 0 {
		ask.Limit = page.Limit + 1
	}
	last := ""
	for note, err := range datastore.List(ctx, from, datastore.Note{}, ask) {
		if err != nil {
			return nil, "", fmt.Errorf("list %s: %w", folder, err)
		}
		name, ours := strings.CutPrefix(note.Name, folder+"/")
		if !ours {
			break
		}
		if page.Limit > 0 && len(items) == page.Limit {
			return items, last, nil
		}
		var item T
		if err := json.Unmarshal(note.Body, &item); err != nil {
			return nil, "", fmt.Errorf("read %s: %w", note.Name, err)
		}
		items, last = append(items, item), name
	}
	return items, "", nil
}

// Page cuts a list: at most Limit items (0: all) behind a cursor.
type Page struct {
	After string
	Limit int
}
