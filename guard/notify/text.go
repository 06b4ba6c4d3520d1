package notify

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"cordon/guard"
)

// embedded holds the texts: one folder for each language, and the two layouts.
//
//go:embed texts
var embedded embed.FS

// defaultLanguage is that of a member whose language is not given, or is none of ours.
const defaultLanguage = "en"

// texts writes mails. For each language there is a template "<type>.subject" and "<type>.body" for
// every type of event; a body is paragraphs, "## " headings and "- " items, which the layouts turn
// into plain text and HTML.
type texts struct {
	languages map[string]*template.Template
	plain     *template.Template
	html      *htmltemplate.Template
}

// written is a mail's content.
type written struct {
	language, subject, text, html string
}

// loadTexts reads the texts and refuses them where a language lacks one that another has.
func loadTexts(files fs.FS) (*texts, error) {
	t := &texts{languages: map[string]*template.Template{}}
	folders, err := fs.ReadDir(files, "texts")
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		language := template.New(folder.Name()).Option("missingkey=error")
		var of *template.Template
		if of, err = language.Funcs(phrases(language)).ParseFS(files, "texts/"+folder.Name()+"/*.tmpl"); err != nil {
			return nil, fmt.Errorf("read texts: %w", err)
		}
		t.languages[folder.Name()] = of
	}
	if t.plain, err = template.ParseFS(files, "texts/layout.txt.tmpl"); err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	if t.html, err = htmltemplate.ParseFS(files, "texts/layout.html.tmpl"); err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	return t, t.complete()
}

// complete reports whether every language has every text.
func (t *texts) complete() error {
	if t.languages[defaultLanguage] == nil {
		return fmt.Errorf("texts: there is no %s", defaultLanguage)
	}
	want := map[string]bool{}
	for _, event := range append(guard.EventTypes(), guard.PolicyEventTypes()...) {
		want[event+".subject"], want[event+".body"] = true, true
	}
	for _, of := range t.languages {
		for _, text := range of.Templates() {
			if !strings.HasSuffix(text.Name(), ".tmpl") {
				want[text.Name()] = true
			}
		}
	}
	for name, of := range t.languages {
		for _, text := range slices.Sorted(maps.Keys(want)) {
			if !t.isLanguage(text) && of.Lookup(text) == nil {
				return fmt.Errorf("texts: %s lacks %q", name, text)
			}
		}
	}
	return nil
}

// isLanguage tells a language's own template, which is empty, from a text.
func (t *texts) isLanguage(name string) bool { return t.languages[name] != nil }

// language returns the language of ours for a BCP 47 tag.
func (t *texts) language(tag string) string {
	prefix, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
	if t.languages[prefix] == nil {
		return defaultLanguage
	}
	return prefix
}

// write writes a letter in the language of whom it is for.
func (t *texts) write(l *letter) (*written, error) {
	language := t.language(l.Language)
	of := t.languages[language]
	say := func(name string) (string, error) { return execute(of, name, l) }
	subject, err := say(l.Type + ".subject")
	if err != nil {
		return nil, err
	}
	body, err := say(l.Type + ".body")
	if err != nil {
		return nil, err
	}
	about := ""
	if l.Set != "" {
		about = "policy."
	}
	facts, err := say(about + "facts")
	if err != nil {
		return nil, err
	}
	footer, err := say(about + "footer")
	if err != nil {
		return nil, err
	}
	p := newPage(language, subject, body, facts, footer)
	p.Host, p.Color = l.Host, l.Color
	for i := range p.Facts {
		value := p.Facts[i].Value
		p.Facts[i].Link = value == l.Link || value == l.RecordLink
	}
	w := &written{language: language, subject: subject}
	if w.text, err = execute(t.plain, "layout.txt.tmpl", p); err != nil {
		return nil, err
	}
	w.text += "\n"
	var html strings.Builder
	if err := t.html.ExecuteTemplate(&html, "layout.html.tmpl", p); err != nil {
		return nil, fmt.Errorf("write mail: %w", err)
	}
	w.html = strings.TrimSpace(html.String()) + "\n"
	return w, nil
}

func execute(of *template.Template, name string, data any) (string, error) {
	var text strings.Builder
	if err := of.ExecuteTemplate(&text, name, data); err != nil {
		return "", fmt.Errorf("write mail: %w", err)
	}
	return strings.TrimSpace(text.String()), nil
}

// phrases are the functions that texts of a language call, in its words.
func phrases(of *template.Template) template.FuncMap {
	return template.FuncMap{
		// role, channel: in words.
		"role":    func(code string) (string, error) { return phrase(of, "role."+code, code) },
		"channel": func(code string) (string, error) { return phrase(of, "channel."+code, code) },
		"channels": func(codes []string) (string, error) {
			words := make([]string, 0, len(codes))
			for _, code := range codes {
				word, err := phrase(of, "channel."+code, code)
				if err != nil {
					return "", err
				}
				words = append(words, word)
			}
			return list(of, words, 0)
		},
		// list: names, and how many more.
		"list": func(names []string, more int) (string, error) { return list(of, names, more) },
		// time: a moment, UTC.
		"time": func(at time.Time) (string, error) {
			months, err := execute(of, "months", nil)
			if err != nil {
				return "", err
			}
			at = at.UTC()
			return execute(of, "moment", map[string]string{
				"Day": strconv.Itoa(at.Day()), "Month": strings.Fields(months)[at.Month()-1],
				"Year": strconv.Itoa(at.Year()), "Clock": at.Format("15:04"),
			})
		},
	}
}

// phrase returns a text of the language, or the code itself where it has none, since policies may add
// channels, for instance.
func phrase(of *template.Template, name, code string) (string, error) {
	if of.Lookup(name) == nil {
		return flat(code), nil
	}
	return execute(of, name, nil)
}

// list joins names: "a, b and c", or "a, b and 3 others".
func list(of *template.Template, names []string, more int) (string, error) {
	and, err := execute(of, "and", nil)
	if err != nil {
		return "", err
	}
	names = slices.Clone(names)
	if more > 0 {
		others, err := execute(of, "others", more)
		if err != nil {
			return "", err
		}
		names = append(names, others)
	}
	if len(names) < 2 {
		return strings.Join(names, ""), nil
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + and + " " + names[last], nil
}
