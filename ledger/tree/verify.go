package tree

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"cordon/ledger/record"
)

// Report is what was found of an export that holds.
type Report struct {
	Lines               int64
	Proved              bool // its lines are those of the tree; otherwise only as they were exported
	Head                Head // of a proved one
	FirstLeaf, LastLeaf int64
	Older               Head            // the checkpoint that it was held against; its size is 0 without one
	Manifest            json.RawMessage // all that the manifest says
}

// ErrUnproved is wrapped where what is asked for cannot be told from the files that were given.
var ErrUnproved = errors.New("it cannot be checked")

// manifest is what is read of a manifest.
type manifest struct {
	Lines      int64     `json:"lines"`
	SHA256     string    `json:"sha256"`
	FirstLeaf  int64     `json:"first_leaf"`
	LastLeaf   int64     `json:"last_leaf"`
	Runs       []lineRun `json:"runs"`
	Sums       []byte    `json:"sums"`
	Hashes     []byte    `json:"hashes"`
	Checkpoint string    `json:"checkpoint"`
	Signature  string    `json:"signature"`
}

// Verify checks an export, of which the last line is its manifest, with nothing but the verifier key, and older
// checkpoints where there are some. It reads the file once more than it must, and keeps little more of it than the
// manifest. *Fault: something does not hold. ErrUnproved: another file is needed to tell.
func Verify(file io.ReaderAt, size int64, key Verifier, older *Checkpoints) (Report, error) {
	end, line, err := lastLine(file, size)
	if err != nil {
		return Report{}, err
	}
	lines := io.NewSectionReader(file, 0, end)
	m, signed, err := parseManifest(line)
	if err != nil {
		return Report{}, withoutManifest(io.NewSectionReader(file, 0, size), err)
	}
	proved := m.Checkpoint != ""
	past := older.past(key, m.Checkpoint)
	read, fault, err := m.read(lines, proved, past.size)
	if err != nil {
		return Report{}, err
	}
	digest := sha256.Sum256(signed)
	switch unsigned := !key.checkSignature(ofExport, digest[:], m.Signature); {
	case fault != nil && unsigned:
		fault.What += "; the manifest is not the one that was signed either"
		return Report{}, fault
	case fault != nil:
		return Report{}, fault
	case unsigned:
		return Report{}, &Fault{Line: read.lines + 1, Leaf: -1, What: "the manifest is not signed by the key " + key.String()}
	}
	report := Report{Lines: read.lines, Proved: proved, FirstLeaf: m.FirstLeaf, LastLeaf: m.LastLeaf, Manifest: line}
	if !proved {
		if older != nil {
			return Report{}, fmt.Errorf("%w: what was exported is masked, so it is not proved by the tree", ErrUnproved)
		}
		return report, nil
	}
	if report.Head, err = key.Open([]byte(m.Checkpoint)); err != nil {
		return Report{}, &Fault{Line: read.lines + 1, Leaf: -1, What: err.Error()}
	}
	root, err := rootOf(report.Head.N, read.leaves, hashesIn(m.Hashes), past.add)
	if err != nil || root != report.Head.Hash {
		return Report{}, &Fault{Line: 1, ID: read.firstID, Leaf: -1, What: fmt.Sprintf("the records from here on are not those of the tree of %d leaves that was signed", report.Head.N)}
	}
	if older == nil {
		return report, nil
	}
	if report.Older, err = older.check(report.Head, past); err != nil && !errors.Is(err, ErrUnproved) {
		return Report{}, &Fault{Line: read.lines + 1, Leaf: -1, What: err.Error()}
	}
	return report, err
}

// parseManifest reads the last line, and returns what of it is signed.
func parseManifest(line []byte) (m manifest, signed []byte, err error) {
	var outer struct {
		Manifest *manifest `json:"manifest"`
	}
	at := bytes.LastIndex(line, []byte(signatureMember))
	if err = json.Unmarshal(line, &outer); err != nil || outer.Manifest == nil || at < 0 {
		return manifest{}, nil, errors.New("the last line is no manifest: the end of the file is missing, or something was added to it")
	}
	m = *outer.Manifest
	signature, _ := json.Marshal(m.Signature) // a string: it cannot fail
	if string(line[at:]) != signatureMember+string(signature)+"}}" {
		return manifest{}, nil, errors.New("behind the manifest's signature more is said")
	}
	wrong := errors.New("the manifest contradicts itself")
	if m.Lines < 0 || int64(len(m.Sums)) != m.Lines*sumBytes || len(m.Hashes)%tlog.HashSize != 0 {
		return manifest{}, nil, wrong
	}
	if m.Checkpoint == "" {
		return m, line[:at], nil
	}
	next := int64(1)
	for _, run := range m.Runs {
		if run.line != next || run.Count <= 0 || run.Count > m.Lines || run.Leaf < 0 {
			return manifest{}, nil, wrong
		}
		next += run.Count
	}
	if next != m.Lines+1 {
		return manifest{}, nil, wrong
	}
	return m, line[:at], nil
}

func hashesIn(data []byte) []Hash {
	var hashes []Hash
	for ; len(data) >= tlog.HashSize; data = data[tlog.HashSize:] {
		hashes = append(hashes, Hash(data))
	}
	return hashes
}

// reading is what was read of the lines.
type reading struct {
	lines   int64
	firstID string
	leaves  []*folded
}

// read goes over the lines and compares each with its sum. Leaves on both sides of a size are folded apart.
func (m *manifest) read(file io.Reader, proved bool, apart int64) (reading, *Fault, error) {
	var all reading
	lines, digest, runs := newLines(file), sha256.New(), m.Runs
	lastID := ""
	for lines.next(digest) {
		if all.lines == 0 {
			all.firstID = lines.id
		}
		if all.lines >= m.Lines || !bytes.Equal(lines.entry[:sumBytes], m.Sums[all.lines*sumBytes:][:sumBytes]) {
			fault, err := m.diagnose(lines, all.lines, lastID)
			return all, fault, err
		}
		all.lines++
		lastID = lines.id
		if !proved {
			continue
		}
		switch leaf := runs[0].Leaf + all.lines - runs[0].line; {
		case runs[0].line == all.lines, leaf == apart:
			all.leaves = append(all.leaves, &folded{Run: Run{Leaf: leaf}})
		}
		all.leaves[len(all.leaves)-1].add(Leaf(lines.entry))
		if runs[0].line+runs[0].Count-1 == all.lines {
			runs = runs[1:]
		}
	}
	switch {
	case lines.err != nil:
		return all, nil, lines.err
	case all.lines < m.Lines:
		return all, m.missing(all.lines, lastID, ""), nil
	case fmt.Sprintf("%x", digest.Sum(nil)) != m.SHA256:
		return all, &Fault{Line: 1, ID: all.firstID, Leaf: -1, What: "the records from here on are not those that were exported"}, nil
	}
	return all, nil, nil
}

// lines reads lines of any length and keeps none.
type lines struct {
	reader *bufio.Reader
	entry  [32]byte // of the last that was read
	id     string   // and its id, as far as it has one
	head   []byte
	err    error
}

func newLines(file io.Reader) *lines { return &lines{reader: bufio.NewReaderSize(file, 1<<16)} }

// next reads a line, and whole takes it with its newline.
func (l *lines) next(whole hash.Hash) bool {
	sum := sha256.New()
	l.head = l.head[:0]
	for first := true; ; first = false {
		piece, err := l.reader.ReadSlice('\n')
		if first && len(piece) == 0 {
			if err != io.EOF {
				l.err = err
			}
			return false
		}
		if whole != nil {
			whole.Write(piece)
		}
		if room := 64 - len(l.head); room > 0 {
			l.head = append(l.head, piece[:min(room, len(piece))]...)
		}
		sum.Write(bytes.TrimSuffix(piece, []byte{'\n'}))
		if err == nil || err == io.EOF {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			l.err = err
			return false
		}
	}
	l.id = string(record.LineID(l.head))
	l.entry = [32]byte(sum.Sum(nil))
	return true
}

// lastLine returns the last line of a file, without its newline, and where it begins.
func lastLine(file io.ReaderAt, size int64) (begin int64, line []byte, err error) {
	const step = 1 << 16
	end := size
	piece := make([]byte, step)
	for at := size; at > 0; {
		from := max(0, at-step)
		part := piece[:at-from]
		if _, err = file.ReadAt(part, from); err != nil && err != io.EOF {
			return 0, nil, err
		}
		if at == size && part[len(part)-1] == '\n' {
			part, end = part[:len(part)-1], size-1
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			begin = from + int64(i) + 1
			break
		}
		at = from
	}
	line = make([]byte, end-begin)
	if _, err = file.ReadAt(line, begin); err == io.EOF {
		err = nil
	}
	return begin, line, err
}
