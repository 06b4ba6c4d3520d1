package table

import (
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"cordon/policies"
)

// File says how one file of a policy differs in another.
type File struct {
	Path   string `json:"path"`
	Change string `json:"change"` // one of the File constants
	Diff   string `json:"diff"`   // unified
}

// What happened to a file.
const (
	FileAdded   = "added"
	FileRemoved = "removed"
	FileChanged = "changed"
)

// Files compares two policies as they are written, by path.
func Files(from, to policies.Source) []File {
	list := []File{}
	paths := slices.Sorted(slices.Values(union(from.Paths(), to.Paths())))
	for _, path := range paths {
		before, was := from.Files[path]
		after, is := to.Files[path]
		if was && is && before == after {
			continue
		}
		f := File{Path: path, Change: FileChanged}
		old, name := path, path
		switch {
		case !was:
			f.Change, old = FileAdded, "/dev/null"
		case !is:
			f.Change, name = FileRemoved, "/dev/null"
		}
		_, f.Diff, _ = strings.Cut(string(diff.Diff(old, []byte(before), name, []byte(after))), "\n") // without its own title
		list = append(list, f)
	}
	return list
}
