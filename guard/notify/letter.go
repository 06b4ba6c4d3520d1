package notify

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"cordon/datastore"
	"cordon/guard"
)

// Bounds of what others have named, in mails.
const (
	longestName   = 120 // characters
	longestReason = 2000
	mostNames     = 20
)

// letter is what the texts of a mail are about. Everything that others have named is on one line and
// bounded. A justification is never in it: it stands in the record alone.
type letter struct {
	Type         string
	Language     string
	Organization string
	Product      string
	User         string
	Origin       string
	Ticket       string
	Decision     string
	Ended        bool // by the clock
	AdminsManage bool // a product's block leaves it to them
	StillBlocked bool // by another block
	Host         string
	Color        string

	// Of a policy.
	Set      string
	Version  string
	Previous string
	How      string
	Message  string

	// For those who may see what it is about.
	Reason     string // of what was done to a product
	Link       string // to the product or user
	RecordLink string
	At         time.Time
	Until      time.Time
	Channels   []string
	Role       string
	OldRole    string

	// What is said to whom: who may lift a block is told who else may, and who did it.
	Admin  bool // an administrator or legal representative who is not blocked
	Legal  bool // a legal representative: told whatever their preferences say
	Self   bool // the user whom the event is about
	By     string
	Asked  string // who made the support code
	Admins []string
	More   int // admins beyond those named
}

// newLetter gathers what a member is told of an event.
func newLetter(host *Host, e *guard.Event, facts *datastore.Facts, now time.Time) *letter {
	to := facts.Target
	l := &letter{
		Type: e.Type, Language: to.Language, Organization: named(e.OrganizationName, e.Organization),
		Origin: e.Origin, Ticket: flat(e.Ticket), Decision: flat(e.Decision), Ended: e.Ended, At: e.At, Until: e.ExpiresAt,
		AdminsManage: e.AdministratorsManage, StillBlocked: e.StillBlocked, Host: flat(host.Name), Color: host.Color,
		Channels: e.Closed, Role: e.Role, OldRole: e.OldRole, Self: to.ID == e.User,
		Legal: to.Role == datastore.LegalRepresentative,
		Admin: datastore.IsAdmin(to.Role) && !to.BlockedAt(now),
	}
	if e.Product != "" {
		l.Product = named(e.ProductName, e.Product)
	}
	if e.User != "" {
		l.User = named(e.UserName, e.User)
	}
	if e.Product != "" && (l.Admin || slices.Contains(to.Grants, e.Product) && !to.BlockedAt(now)) {
		l.Reason, l.Link = flatTo(e.Reason, longestReason), host.about(e)
	}
	// Who is to secure their account finds no link in the mail: others send such mails, too.
	if l.Admin && e.Type != guard.EventUserSecure {
		l.Link, l.RecordLink = host.about(e), host.page("decisions", e.Decision)
	}
	if !l.Admin {
		l.Decision = ""
		return l
	}
	l.Asked = e.CodeOf
	for i := range facts.Admins {
		a := &facts.Admins[i]
		if a.ID == e.CodeOf {
			l.Asked = named(a.Name, a.ID)
		}
		if a.ID == e.By && e.Origin != datastore.OriginSupport && e.Origin != datastore.OriginHost {
			l.By = named(a.Name, a.ID)
		}
		if a.BlockedAt(now) || e.Type == guard.EventUserBlocked && a.ID == e.User {
			continue
		}
		if len(l.Admins) < mostNames {
			l.Admins = append(l.Admins, named(a.Name, a.ID))
		} else {
			l.More++
		}
	}
	return l
}

// Lasting reports whether the event began something that goes on until it is lifted.
func (l *letter) Lasting() bool {
	return l.Type == guard.EventProductBlocked || l.Type == guard.EventMaintenanceStarted || l.Type == guard.EventUserBlocked
}

// OfProduct reports whether contact preferences decide who is told.
func (l *letter) OfProduct() bool { return l.Product != "" }

// named returns a name with its id, which alone is sure.
func named(name, id string) string {
	if name = flat(name); name == "" || name == id {
		return id
	}
	return name + " (" + id + ")"
}

// flat puts a text on one line, without marks that turn the direction of writing, and bounds it: a
// name cannot add a header, a paragraph or a sentence that looks like ours.
func flat(s string) string { return flatTo(s, longestName) }

func flatTo(s string, longest int) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c), unicode.IsControl(c), unicode.In(c, unicode.Zl, unicode.Zp):
			return ' '
		case unicode.Is(unicode.Cf, c), c == unicode.ReplacementChar:
			return -1
		}
		return c
	}, s)
	words := strings.Join(strings.Fields(s), " ")
	if runes := []rune(words); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return words
}
