package tree

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"slices"
)

// Manifest collects what the last line of an export says of the lines before it, so that whoever has the file and the
// verifier key, and nothing else, can check them ([Verify]). It keeps no line: only which leaves they are.
//
// The line is {"manifest":{...}} with the members that the exporter gives, and then
//
//	lines                  how many there are before it
//	sha256                 of these lines, each with its newline
//	first_leaf, last_leaf  the smallest and the largest
//	runs                   [[line, leaf, count], ...]: which leaves the lines are, from line 1 on
//	sums                   base64 of the first 4 bytes of each line's entry, by which a line that is another is named
//	hashes                 base64 of the hashes of a multi-proof: with the lines they give the checkpoint's root
//	checkpoint             a signed note
//	signature              of the line up to here: the signature of a note: see [Key.SignData]
//
// Lines that are not those of the tree, since something of them is masked, are not proved: first_leaf, last_leaf, runs,
// hashes and checkpoint are left out then, and sums are those of the lines.
type Manifest struct {
	lines    int64
	runs     []lineRun
	unproved bool
	sums     []byte // of lines that are not proved
	digest   hash.Hash
}

// sumBytes is how much of a line's entry a manifest repeats. It names a line that is another; that one is, the proof
// and the digest show.
const sumBytes = 4

// lineRun is a run of leaves and the number of its first line.
type lineRun struct {
	line int64
	Run
}

func (r lineRun) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "[%d,%d,%d]", r.line, r.Leaf, r.Count), nil
}

func (r *lineRun) UnmarshalJSON(data []byte) error {
	var three [3]int64
	var all []json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil || len(all) != len(three) {
		return errors.New("a run is [line, leaf, count]")
	}
	if err := json.Unmarshal(data, &three); err != nil {
		return err
	}
	*r = lineRun{three[0], Run{three[1], three[2]}}
	return nil
}

// NewManifest returns the manifest of lines that are as they are in the tree or, unproved, are not.
func NewManifest(proved bool) *Manifest {
	return &Manifest{unproved: !proved, digest: sha256.New()}
}

// Add takes the next line, without its newline, and the leaf that it is.
func (m *Manifest) Add(leaf int64, line []byte) {
	m.lines++
	m.digest.Write(line)
	m.digest.Write([]byte{'\n'})
	if m.unproved {
		entry := Entry(line)
		m.sums = append(m.sums, entry[:sumBytes]...)
		return
	}
	if n := len(m.runs); n > 0 && m.runs[n-1].end() == leaf {
		m.runs[n-1].Count++
		return
	}
	m.runs = append(m.runs, lineRun{m.lines, Run{leaf, 1}})
}

// Sealed is the tree that a manifest proves its lines by.
type Sealed struct {
	Tree       *Tree
	Head       Head
	Checkpoint []byte // of the head
	Key        *Key
}

// Write writes the manifest with its newline. about is a JSON object of further members, which stand first. The sums
// are of what the tree has: a line that is not the one that was sealed is named by whoever verifies, also where
// it was exported so.
func (m *Manifest) Write(ctx context.Context, w io.Writer, sealed Sealed, about any) error {
	members, err := json.Marshal(about)
	if err != nil || len(members) < 2 || members[0] != '{' {
		return fmt.Errorf("what is said of an export is no JSON object: %w", err)
	}
	signed := &signedLine{to: w, sum: sha256.New()}
	signed.text(`{"manifest":{`)
	if inner := members[1 : len(members)-1]; len(inner) > 0 {
		signed.text(string(inner) + ",")
	}
	signed.text(fmt.Sprintf(`"lines":%d,"sha256":"%x"`, m.lines, m.digest.Sum(nil)))
	if m.unproved {
		err = signed.base64("sums", chunks(m.sums))
	} else if err = m.proof(ctx, signed, sealed); err != nil {
		err = fmt.Errorf("prove an export: %w", err)
	}
	if err != nil || signed.err != nil {
		return cmp.Or(err, signed.err)
	}
	signature, err := sealed.Key.signature(ofExport, signed.sum.Sum(nil))
	if err != nil {
		return err
	}
	quoted, _ := json.Marshal(signature) // a string: it cannot fail
	_, err = fmt.Fprintf(w, "%s%s}}\n", signatureMember, quoted)
	return err
}

const signatureMember = `,"signature":`

// proof writes the members that prove the lines.
func (m *Manifest) proof(ctx context.Context, w *signedLine, sealed Sealed) error {
	runs := make([]Run, 0, len(m.runs))
	for _, r := range m.runs {
		runs = append(runs, r.Run)
	}
	sorted, err := sortRuns(runs, sealed.Head.N)
	if err != nil {
		return err
	}
	if len(sorted) > 0 {
		w.text(fmt.Sprintf(`,"first_leaf":%d,"last_leaf":%d`, sorted[0].Leaf, sorted[len(sorted)-1].end()-1))
	}
	w.text(`,"runs":[`)
	for i, r := range m.runs {
		text, _ := r.MarshalJSON() // of numbers: it cannot fail
		if i > 0 {
			w.text(",")
		}
		w.text(string(text))
	}
	w.text("]")
	if err = w.base64("sums", sums(sealed.Tree.entriesOf(ctx, sealed.Head, runs))); err != nil {
		return err
	}
	if err = w.base64("hashes", hashesOf(sealed.Tree.Prove(ctx, sealed.Head, sorted))); err != nil {
		return err
	}
	checkpoint, _ := json.Marshal(string(sealed.Checkpoint)) // a string: it cannot fail
	w.text(`,"checkpoint":` + string(checkpoint))
	return nil
}

// signedLine writes a line and sums up what it wrote. An error is kept.
type signedLine struct {
	to  io.Writer
	sum hash.Hash
	err error
}

func (w *signedLine) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.sum.Write(p)
	var n int
	n, w.err = w.to.Write(p)
	return n, w.err
}

func (w *signedLine) text(text string) { _, _ = io.WriteString(w, text) } // its error is kept

// base64 writes a member whose value comes in pieces.
func (w *signedLine) base64(name string, pieces iter.Seq2[[]byte, error]) error {
	w.text(`,"` + name + `":"`)
	encoder := base64.NewEncoder(base64.StdEncoding, w)
	for piece, err := range pieces {
		if err != nil {
			return err
		}
		if _, err = encoder.Write(piece); err != nil {
			return err
		}
	}
	if err := encoder.Close(); err != nil {
		return err
	}
	w.text(`"`)
	return w.err
}

func chunks(data []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) { yield(data, nil) }
}

func sums(entries iter.Seq2[[32]byte, error]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for entry, err := range entries {
			if !yield(entry[:sumBytes], err) {
				return
			}
		}
	}
}

func hashesOf(hashes iter.Seq2[Hash, error]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for hash, err := range hashes {
			if !yield(hash[:], err) {
				return
			}
		}
	}
}

// entriesOf returns the entries of runs, in their order. Runs lie close to each other, so a tile is kept for the next.
func (t *Tree) entriesOf(ctx context.Context, at Head, runs []Run) iter.Seq2[[32]byte, error] {
	return func(yield func([32]byte, error) bool) {
		first, tile := int64(-1), [][32]byte(nil)
		for _, run := range runs {
			for leaf := run.Leaf; leaf < run.end(); leaf++ {
				if from := leaf >> height << height; from != first {
					var err error
					if tile, err = collect(t.Entries(ctx, at, from, min(from+tileWidth, at.N))); err != nil {
						yield([32]byte{}, err)
						return
					}
					first = from
				}
				if !yield(tile[leaf-first], nil) {
					return
				}
			}
		}
	}
}

func collect[T any](sequence iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range sequence {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return slices.Clip(all), nil
}
