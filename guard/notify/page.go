package notify

import "strings"

// page is a mail's content as the layouts see it.
type page struct {
	Language, Subject string
	Lead              []block // before the facts
	Facts             []fact
	Sections          []section
	Footer            string
	Host, Color       string
}

// fact is a line of what a mail is about.
type fact struct {
	Label, Value string
	Link         bool // the value is an address of ours
}

// section is a part of a mail under a heading.
type section struct {
	Heading string
	Blocks  []block
}

// block is a paragraph, or a list of items.
type block struct {
	Text  string
	Items []string
}

// newPage reads a body: lines of one paragraph are joined, "## " begins a section, "- " an item.
func newPage(language, subject, body, facts, footer string) *page {
	p := &page{Language: language, Subject: subject, Footer: joined(footer)}
	for line := range strings.Lines(facts) {
		if label, value, ok := strings.Cut(line, ":"); ok {
			// A space before the colon is the language's: French has one.
			p.Facts = append(p.Facts, fact{Label: label, Value: strings.TrimSpace(value)})
		}
	}
	blocks := &p.Lead
	fresh := true // the next line begins a block
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		heading, isHeading := strings.CutPrefix(line, "## ")
		item, isItem := strings.CutPrefix(line, "- ")
		last := len(*blocks) - 1
		switch {
		case line == "":
			fresh = true
			continue
		case isHeading:
			p.Sections = append(p.Sections, section{Heading: heading})
			blocks = &p.Sections[len(p.Sections)-1].Blocks
			fresh = true
			continue
		case isItem && last >= 0 && (*blocks)[last].Items != nil:
			(*blocks)[last].Items = append((*blocks)[last].Items, item)
		case isItem:
			*blocks = append(*blocks, block{Items: []string{item}})
		case fresh || last < 0:
			*blocks = append(*blocks, block{Text: line})
		case (*blocks)[last].Items != nil:
			items := (*blocks)[last].Items
			items[len(items)-1] += " " + line
		default:
			(*blocks)[last].Text += " " + line
		}
		fresh = false
	}
	return p
}

func joined(text string) string { return strings.Join(strings.Fields(text), " ") }
