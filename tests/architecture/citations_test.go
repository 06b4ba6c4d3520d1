package architecture_test

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// document is what of a file in docs can be cited: its sections by number, and the names in each, those of the whole
// file under "". A name is a heading, a paragraph's bold beginning, or the first cell of a row.
type document map[string][]string

var (
	heading   = regexp.MustCompile(`^##+ (?:(\d+)\. )?([^(,]+)`)
	listed    = regexp.MustCompile(`^(\d+)\. `)
	paragraph = regexp.MustCompile(`^\*\*([^*]+)\.\*\*`)
	row       = regexp.MustCompile(`^\| ([^|]+) \|`)
)

func readDocument(text string) document {
	d := document{"": nil}
	section := ""
	for line := range strings.Lines(text) {
		name := ""
		if found := heading.FindStringSubmatch(line); found != nil {
			section, name = found[1], strings.TrimSpace(found[2])
			d[section] = append(d[section], name)
		} else if found := listed.FindStringSubmatch(line); found != nil && section != "" {
			d[section+"."+found[1]] = nil
		} else if found := paragraph.FindStringSubmatch(line); found != nil {
			name = found[1]
		} else if found := row.FindStringSubmatch(line); found != nil {
			name = found[1]
		}
		if name != "" {
			d[section] = append(d[section], name)
			d[""] = append(d[""], name)
		}
	}
	return d
}

var (
	citation = regexp.MustCompile(`(?:^|[^\w/.-])((?:docs/)?[a-z][a-z-]*\.md)\b` + "`?")
	numbered = regexp.MustCompile(`^ ?(\d+(?:\.\d+)*)\b`)
	rowed    = regexp.MustCompile(`^ ?([A-Z]\d)(?:-([A-Z]\d))?\b`)
	between  = regexp.MustCompile(`^(?:, and |, | and |; )`)
	// A comment goes on over the beginnings of its lines.
	folded = regexp.MustCompile(`\n[ \t]*(?://|#)?[ \t]*`)
)

// wrongCitations says what is wrong with the citations in a text, which names a document by its path or, within Rego
// and docs, without the folder. Behind it come sections and rows; the first comma introduces a name.
func wrongCitations(text string, documents map[string]document, short bool) []string {
	var wrong []string
	text = folded.ReplaceAllString(text, " ")
	for _, at := range citation.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		if short && !strings.HasPrefix(name, "docs/") {
			name = "docs/" + name
		}
		d, ok := documents[name]
		if !ok {
			wrong = append(wrong, name+": there is no such document")
			continue
		}
		if problem := d.follow(text[at[1]:]); problem != "" {
			wrong = append(wrong, name+problem)
		}
	}
	return wrong
}

// follow reads what is cited of a document from the text behind its name, and says what leads nowhere.
func (d document) follow(text string) string {
	section, named, separator := "", false, between.FindString(text)
	text = text[len(separator):]
	for {
		if found := numbered.FindStringSubmatch(text); found != nil {
			section = found[1]
			if _, ok := d[section]; !ok {
				return " " + section + ": there is no such section"
			}
			text = text[len(found[0]):]
		} else if found := rowed.FindStringSubmatch(text); found != nil {
			for _, name := range found[1:] {
				if name != "" && !slices.Contains(d[""], name) {
					return " " + name + ": there is no such row"
				}
			}
			text = text[len(found[0]):]
		} else if name := d.name(section, text); name != "" {
			text = strings.TrimLeft(text, `"`)[len(name):]
			text = strings.TrimPrefix(text, `"`)
			named = true
		} else if separator == ", " && !named {
			if section != "" {
				section = " " + section
			}
			end := strings.IndexAny(text+".", ".;:)")
			return fmt.Sprintf("%s, %s: there is no such paragraph, row or heading", section, text[:end])
		} else {
			return "" // prose
		}
		separator = between.FindString(text)
		if separator == "" {
			return ""
		}
		text = text[len(separator):]
	}
}

// name gives the longest name of a section that the text begins with, "" without one.
func (d document) name(section, text string) string {
	longest := ""
	text = strings.TrimLeft(text, `"`)
	for _, name := range d[section] {
		if strings.HasPrefix(text, name) && len(name) > len(longest) {
			longest = name
		}
	}
	return longest
}

// documents reads the folder docs.
func documents(t *testing.T, files map[string]string) map[string]document {
	t.Helper()
	found := map[string]document{}
	for name, text := range files {
		if within(name, "docs") && path.Ext(name) == ".md" {
			found[name] = readDocument(text)
		}
	}
	return found
}

func TestCitationsLeadSomewhere(t *testing.T) {
	files := texts(t)
	documents := documents(t, files)
	for _, name := range []string{"docs/domain.md", "docs/design.md"} {
		if len(documents[name][""]) < 20 {
			t.Fatalf("%s has %d names that can be cited: it is gone, or this test does not understand it", name, len(documents[name][""]))
		}
	}
	cited := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		short := path.Ext(name) == ".rego" || within(name, "docs")
		switch path.Ext(name) {
		case ".go", ".rego", ".yaml", ".txtar", ".md":
		default:
			continue
		}
		cited += len(citation.FindAllString(text, -1))
		for _, wrong := range wrongCitations(text, documents, short) {
			t.Errorf("%s cites %s", name, wrong)
		}
	}
	if cited < 100 {
		t.Errorf("only %d citations were found: this test looks in the wrong place", cited)
	}
}

func TestWhatACitationMayBe(t *testing.T) {
	// Taken apart, so that nothing here is taken for a citation of this file.
	const a, b = "docs/a" + ".md", "docs/b" + ".md"
	documents := map[string]document{
		a: readDocument("# A\n\n## 3. Ideas\n\n1. **Pure.** Yes.\n2. Two\n\n## 4. API (a contract)\n\n**Callers.** Who.\n\n| input | answer |\n| --- | --- |\n| store unreachable | 503 |\n\n## 11. Fine print\n\n**Order of checks.** First.\n"),
		b: readDocument("## Words\n\n| B1 | one |\n| B2 | two |\n\n## Whose block it is (ours)\n"),
	}
	for text, want := range map[string]string{
		"// " + a:              "",
		"(" + a + " 3.2)":      "",
		a + " 4, Callers: who": "",
		a + " 4 and 11, Order of\n\t// checks; more": "",
		a + " 4, store unreachable":                  "",
		b + " B1, B2, Whose block it is; B1":         "",
		b + " B1-B2.":                                "",
		"`" + b + "`, \"Words\", B1 and more":        "",
		"`" + b + "` B1, and \"Whose block it is\"":  "",
		a + ": with prose":                           "",
		"docs/c" + ".md 1":                           "docs/c" + ".md: there is no such document",
		a + " 5":                                     a + " 5: there is no such section",
		a + " 3.4":                                   a + " 3.4: there is no such section",
		a + " 4 and 12":                              a + " 12: there is no such section",
		a + " 11, Callers":                           a + " 11, Callers: there is no such paragraph, row or heading",
		a + " 4, as it says.":                        a + " 4, as it says: there is no such paragraph, row or heading",
		b + " B1-B3":                                 b + " B3: there is no such row",
		b + " B1, U9":                                b + " U9: there is no such row",
		b + ", Whose block it is, in\n// prose":      "",
		b + ", Whose block\n# it was":                b + ", Whose block it was: there is no such paragraph, row or heading",
	} {
		if diff := cmp.Diff(strings.Join(wrongCitations(text, documents, false), "\n"), want); diff != "" {
			t.Errorf("%q (-got +want):\n%s", text, diff)
		}
	}
	if wrong := wrongCitations("# `"+strings.TrimPrefix(b, "docs/")+"` B1, B7", documents, true); len(wrong) != 1 {
		t.Errorf("the short name of Rego: %q, want B7 to be missed", wrong)
	}
}
