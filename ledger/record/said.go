package record

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// said returns what whoever acted gave as the reason or the justification.
func (r *Record) said() string {
	if !bytes.Contains(r.Details, []byte(`"reason":`)) && !bytes.Contains(r.Details, []byte(`"justification":`)) {
		return ""
	}
	var details struct {
		Reason        string `json:"reason"`
		Justification string `json:"justification"`
	}
	_ = json.Unmarshal(r.Details, &details) // a member of another type leaves the other readable
	return strings.TrimSpace(details.Reason + "\n" + details.Justification)
}

// origins gives whose blocks the record is about, each once: those in force on the resource when it was decided, and the
// one that was to be set or lifted.
func (r *Record) origins() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		// Every decision comes by here, and hardly any is about a block.
		_, blocks, found := bytes.Cut(r.Input, []byte(`"blocks":[`))
		acts := bytes.Contains(r.Input, []byte(`"act":`))
		switch {
		case !found && !acts:
			return
		case r.Compact && !acts && bytes.IndexByte(r.Input, '\\') < 0:
			list, _, _ := bytes.Cut(blocks, []byte("]"))
			for quoted := range bytes.SplitSeq(list, []byte(",")) {
				if origin := bytes.Trim(quoted, `"`); len(origin) > 0 && !yield(origin) {
					return
				}
			}
			return
		}
		var input struct {
			Act struct {
				Origin string `json:"origin"`
			} `json:"act"`
			Resource struct {
				Blocks []string `json:"blocks"`
			} `json:"resource"`
		}
		_ = json.Unmarshal(r.Input, &input) // what cannot be read is about no block
		origins := input.Resource.Blocks
		if name := r.Question.Action.Name; name == "block" || name == "unblock" {
			origins = append(origins, input.Act.Origin)
		}
		slices.Sort(origins)
		for _, origin := range slices.Compact(origins) {
			if origin != "" && !yield([]byte(origin)) {
				return
			}
		}
	}
}

// Words returns the words of a text as they are looked for: each once, sorted, in one case and one spelling, whatever
// those of the text (Unicode full case folding and NFKC). A word is a run of letters, digits and the marks that go with
// them; in scripts that are written without spaces, each letter is one.
func Words(text string) []string {
	// Folding may leave what has a shorter spelling, and the spelling what can be folded, so both are done twice.
	fold := cases.Fold()
	for range 2 {
		text = norm.NFKC.String(fold.String(text))
	}
	var words []string
	from := -1
	end := func(at int) {
		if from >= 0 {
			words = append(words, text[from:at])
		}
		from = -1
	}
	for at, c := range text {
		switch {
		case unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			end(at)
			words = append(words, string(c))
		case unicode.IsLetter(c) || unicode.IsNumber(c):
			if from < 0 {
				from = at
			}
		case unicode.IsMark(c) && from >= 0:
		default:
			end(at)
		}
	}
	end(len(text))
	slices.Sort(words)
	return slices.Compact(words)
}
