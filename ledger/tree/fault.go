package tree

import (
	"fmt"
	"io"
)

// Fault is what does not hold of an export: the first line of it that is not as it was, and how.
type Fault struct {
	Line int64  // from 1 on; of what is missing, where it would stand
	ID   string // of the record in that line, where it has one
	Leaf int64  // of the record that should stand there; -1 where that is not known
	What string
}

func (f *Fault) Error() string {
	text := fmt.Sprintf("line %d", f.Line)
	if f.ID != "" {
		text += ", record " + f.ID
	}
	if f.Leaf >= 0 {
		text += fmt.Sprintf(", leaf %d", f.Leaf)
	}
	return text + ": " + f.What
}

// leafOf returns the leaf that a line, counted from 0, must be, -1 where the manifest does not say.
func (m *manifest) leafOf(line int64) int64 {
	for _, run := range m.Runs {
		if line+1 < run.line+run.Count {
			return run.Leaf + line + 1 - run.line
		}
	}
	return -1
}

// missing is the fault of a file that lacks the record that belongs into a line, counted from 0.
func (m *manifest) missing(line int64, before, after string) *Fault {
	what := "a record is missing here"
	switch {
	case before != "" && after != "":
		what += ", between " + before + " and " + after
	case before != "":
		what += ", behind " + before
	case after != "":
		what += ", before " + after
	}
	return &Fault{Line: line + 1, Leaf: m.leafOf(line), What: what}
}

type sum [sumBytes]byte

// diagnose says of the first line that has not its sum, counted from 0, whether it was changed, added or moved, or
// whether another is missing before it. It reads the rest.
func (m *manifest) diagnose(l *lines, line int64, before string) (*Fault, error) {
	here, id := sum(l.entry[:sumBytes]), l.id
	if line >= m.Lines {
		return &Fault{Line: line + 1, ID: id, Leaf: -1, What: "the record was added: the export had only " + fmt.Sprint(m.Lines)}, nil
	}
	wanted := sum(m.Sums[line*sumBytes:])
	comes := int64(0) // where the one that belongs here stands
	for at := line + 1; l.next(nil); at++ {
		if comes == 0 && sum(l.entry[:sumBytes]) == wanted {
			comes = at
		}
	}
	if l.err != nil {
		return nil, l.err
	}
	belongs := int64(0) // where the one that stands here belongs
	for at := line + 1; at < m.Lines && belongs == 0; at++ {
		if sum(m.Sums[at*sumBytes:]) == here {
			belongs = at
		}
	}
	fault := &Fault{Line: line + 1, ID: id, Leaf: m.leafOf(line)}
	switch {
	case belongs > 0 && comes > 0:
		fault.What = fmt.Sprintf("the records were put in another order: this one belongs into line %d, and what belongs here stands in line %d", belongs+1, comes+1)
	case belongs > 0:
		return m.missing(line, before, id), nil
	case comes > 0:
		fault.Leaf, fault.What = -1, "the record was added"
	default:
		fault.What = "the record was changed"
	}
	return fault, nil
}

// withoutManifest is the fault of a file whose last line is no manifest: that line is named.
func withoutManifest(file io.Reader, why error) error {
	l, count := newLines(file), int64(0)
	for l.next(nil) {
		count++
	}
	if l.err != nil {
		return l.err
	}
	return &Fault{Line: max(count, 1), ID: l.id, Leaf: -1, What: why.Error()}
}
