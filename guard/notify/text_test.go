package notify_test

import (
	"flag"
	"fmt"
	"io/fs"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"

	"cordon/datastore"
	"cordon/guard"
	"cordon/guard/notify"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// told is an event and to whom it is told.
type told struct {
	name  string
	event guard.Event
	to    string
}

// tellings are the ways in which each type of event is told.
func tellings() map[string][]told {
	admin, support, host := datastore.OriginAdministrator, datastore.OriginSupport, datastore.OriginHost
	until, critical := noon.Add(54*time.Hour), []string{"manager", "kdrive_web", "mail_web"}
	return map[string][]told{
		guard.EventProductBlocked: {
			{"an administrator blocked it, to an administrator", guard.Event{Origin: admin, By: "adam", Ticket: "T-1"}, "ada"},
			{"an administrator blocked it for a time, to a client", guard.Event{Origin: admin, By: "adam", ExpiresAt: until}, "cleo"},
			{"to a client who has no access to it", guard.Event{Origin: admin, By: "adam"}, "dora"},
			{"the host blocked it, to the legal representative", guard.Event{Origin: host, By: "billing"}, "lena"},
			{"the policy leaves it to administrators, to one of them", guard.Event{Origin: admin, By: "adam", AdministratorsManage: true}, "ada"},
			{"to an administrator who is blocked", guard.Event{Origin: admin, By: "adam"}, "bob"},
		},
		guard.EventProductUnblocked: {
			{"an administrator lifted it, to an administrator", guard.Event{Origin: admin, By: "adam"}, "ada"},
			{"it ended by the clock, to a client", guard.Event{Origin: host, Ended: true}, "cleo"},
			{"another one stands, to an administrator", guard.Event{Origin: admin, By: "adam", StillBlocked: true}, "ada"},
			{"another one stands, to a client", guard.Event{Origin: host, Ended: true, StillBlocked: true}, "cleo"},
		},
		guard.EventMaintenanceStarted: {
			{"to an administrator", guard.Event{Origin: admin, By: "adam", ExpiresAt: until, Ticket: "T-2"}, "ada"},
			{"to a client", guard.Event{Origin: admin, By: "adam"}, "cleo"},
		},
		guard.EventMaintenanceEnded: {
			{"an administrator ended it, to an administrator", guard.Event{Origin: admin, By: "adam"}, "ada"},
			{"it ended by the clock, to a client", guard.Event{Ended: true}, "cleo"},
		},
		guard.EventUserBlocked: {
			{"support blocked them", guard.Event{Origin: support, By: "agent-7", Channels: []string{"imap", "mail_web", "smtp"}, Closed: append(critical, "imap", "smtp"), Ticket: "T-3", CodeOf: "lena"}, "ada"},
			{"an administrator blocked them for a time", guard.Event{Origin: admin, By: "adam", Closed: critical, ExpiresAt: until}, "lena"},
		},
		guard.EventUserUnblocked: {
			{"support lifted it", guard.Event{Origin: support, By: "agent-7", CodeOf: "gone"}, "ada"},
			{"another one stands", guard.Event{Origin: admin, By: "adam", StillBlocked: true}, "ada"},
			{"it ended by the clock", guard.Event{Origin: admin, Ended: true}, "lena"},
		},
		guard.EventUserSecure: {
			{"support asked for it", guard.Event{Origin: support, By: "agent-7", Procedure: "p-1"}, "carl"},
			{"an administrator asked for it, of an administrator", guard.Event{Origin: admin, By: "adam", Procedure: "p-1", User: "ada", UserName: "Ada"}, "ada"},
		},
		guard.EventRoleChanged: {
			{"to the user, who is an administrator now", guard.Event{
				By: "adam", Role: datastore.Administrator, OldRole: datastore.Client, User: "ada", UserName: "Ada Aebi"}, "ada"},
			{"to the user, who is a client now", guard.Event{By: "adam", Role: datastore.Client, OldRole: datastore.Administrator}, "carl"},
			{"to an administrator, of a new legal representative", guard.Event{
				By: "billing", Role: datastore.LegalRepresentative, OldRole: datastore.Administrator, User: "lena", UserName: "Lena Lang"}, "ada"},
		},
	}
}

// fill completes an event as the guard would.
func fill(kind string, e guard.Event) guard.Event {
	e.ID, e.Type, e.At, e.Decision, e.Revision = "evt-1", kind, noon, "0199d1c0-0000-7000-8000-000000000001", 7
	e.Organization, e.OrganizationName = "acme", "Acme & Söhne"
	e.Reason = "the reason of the block"
	if strings.HasPrefix(kind, "user.") && e.User == "" {
		e.User, e.UserName = "carl", "Carl Curti"
	}
	if !strings.HasPrefix(kind, "user.") {
		e.Product, e.ProductName = "shop-1", "Shop"
	}
	return e
}

// facts are those of a member of Acme.
func facts(id, language string) *datastore.Facts {
	block := []datastore.Block{{ID: "blk-1", Origin: datastore.OriginSupport, Since: noon}}
	all := []datastore.Member{
		{ID: "ada", Name: "Ada Aebi", Role: datastore.Administrator},
		{ID: "adam", Name: "Adam Amsler", Role: datastore.Administrator},
		{ID: "bob", Name: "Bob Blocked", Role: datastore.Administrator, Blocks: block},
		{ID: "lena", Name: "Lena Lang", Role: datastore.LegalRepresentative},
		{ID: "carl", Name: "Carl Curti", Role: datastore.Collaborator},
		{ID: "cleo", Name: "Cléo", Role: datastore.Client, Grants: []string{"shop-1"}},
		{ID: "dora", Name: "Dora", Role: datastore.Client},
	}
	f := &datastore.Facts{Organization: datastore.Organization{ID: "acme"}, Admins: all[:4]}
	for _, m := range all {
		if m.ID == id {
			m.Language = language
			f.Target = &m
		}
	}
	return f
}

func TestTextsAreAsTheGoldenFiles(t *testing.T) {
	for _, kind := range guard.EventTypes() {
		for _, language := range []string{"de", "en", "fr"} {
			var text, html strings.Builder
			for _, to := range tellings()[kind] {
				event := fill(kind, to.event)
				_, subject, plain, page, err := notify.Write(notify.Host{}, notify.Texts(), &event, facts(to.to, language), noon)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&text, "=== %s\nSubject: %s\n\n%s\n", to.name, subject, plain)
				fmt.Fprintf(&html, "<!-- %s -->\n%s\n", to.name, page)
			}
			golden(t, filepath.Join("testdata", language, kind+".txt"), text.String())
			golden(t, filepath.Join("testdata", language, kind+".html"), html.String())
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestEveryTypeOfEventIsTold(t *testing.T) {
	for _, kind := range guard.EventTypes() {
		if len(tellings()[kind]) == 0 {
			t.Errorf("no text of %s is looked at", kind)
		}
	}
}

func TestATextThatALanguageLacksIsRefused(t *testing.T) {
	for name, spoil := range map[string]struct{ file, text string }{
		"no common words":           {"texts/fr/common.tmpl", ""},
		"no body":                   {"texts/de/user.secure.tmpl", `{{define "user.secure.subject"}}x{{end}}`},
		"a text too many elsewhere": {"texts/en/more.tmpl", `{{define "role.robot"}}robot{{end}}`},
		"no template":               {"texts/fr/user.secure.tmpl", `{{define`},
	} {
		files := fstest.MapFS{}
		err := fs.WalkDir(notify.Texts(), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := fs.ReadFile(notify.Texts(), path)
			files[path] = &fstest.MapFile{Data: content}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		files[spoil.file] = &fstest.MapFile{Data: []byte(spoil.text)}
		event := fill(guard.EventUserSecure, guard.Event{})
		if _, _, _, _, err := notify.Write(notify.Host{}, files, &event, facts("carl", "en"), noon); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func TestTheLanguageIsTheMembers(t *testing.T) {
	event := fill(guard.EventUserSecure, guard.Event{Origin: datastore.OriginSupport})
	for tag, want := range map[string]string{
		"": "en", "en": "en", "en-GB": "en", "fr": "fr", "fr-CH": "fr", "FR_ch": "fr", "de-AT-1996": "de", "it": "en",
		"french": "en", "../de": "en", "fr.tmpl": "en", "x-fr": "en",
	} {
		language, subject, _, html, err := notify.Write(notify.Host{}, notify.Texts(), &event, facts("carl", tag), noon)
		if err != nil {
			t.Fatal(err)
		}
		if language != want || !strings.Contains(html, `<html lang="`+want+`">`) {
			t.Errorf("%q is answered in %s (%s), want %s", tag, language, subject, want)
		}
	}
}

// A reason is for those who see the product, a justification stands in the record alone; names of others are for those who may act on them.
func TestMailsSayNoMoreThanTheirReceiverMayKnow(t *testing.T) {
	for kind, list := range tellings() {
		for _, to := range list {
			event := fill(kind, to.event)
			f := facts(to.to, "en")
			_, subject, text, html, err := notify.Write(notify.Host{}, notify.Texts(), &event, f, noon)
			if err != nil {
				t.Fatal(err)
			}
			all := subject + text + html
			sees := strings.HasPrefix(kind, "user.") == false && to.to != "bob" && to.to != "dora"
			if got := strings.Contains(text, event.Reason) && strings.Contains(html, event.Reason); got != sees {
				t.Errorf("%s, %s: it tells the reason is %t, want %t", kind, to.name, got, sees)
			}
			for _, secret := range []string{"agent-7", "billing"} {
				if strings.Contains(all, secret) {
					t.Errorf("%s, %s: it tells %q", kind, to.name, secret)
				}
			}
			limited := !datastore.IsAdmin(f.Target.Role) || len(f.Target.Blocks) > 0
			for _, a := range f.Admins {
				if told := strings.Contains(all, a.Name); told && limited && event.User != a.ID {
					t.Errorf("%s, %s: it names %s", kind, to.name, a.Name)
				}
			}
			if strings.Contains(all, "Bob Blocked") {
				t.Errorf("%s, %s: it names somebody who is blocked as one who may act", kind, to.name)
			}
		}
	}
}

// A mail of a host that is configured has its name and colour, and links for those who may see what they lead to.
func TestAMailIsTheHosts(t *testing.T) {
	host := notify.Host{Name: `Müller <b>&</b> "Söhne"`, Color: "#1a6fb0", ConsoleURL: "https://console.example.com/x/"}
	link, record := "https://console.example.com/x/organizations/acme/products/shop-1", "https://console.example.com/x/decisions/0199d1c0-0000-7000-8000-000000000001"
	for to, want := range map[string]string{"ada": "product record", "cleo": "product", "dora": "", "bob": ""} {
		event := fill(guard.EventProductBlocked, guard.Event{Origin: datastore.OriginHost, Ticket: "https://evil.example"})
		_, _, text, html, err := notify.Write(host, notify.Texts(), &event, facts(to, "en"), noon)
		if err != nil {
			t.Fatal(err)
		}
		for name, address := range map[string]string{"product": link, "record": record} {
			anchor := fmt.Sprintf("<a href=%q>%s</a>", address, address)
			if told := strings.Contains(text, address) && strings.Contains(html, anchor); told != strings.Contains(want, name) {
				t.Errorf("%s: the link to the %s is there: %t\n%s\n%s", to, name, told, text, html)
			}
		}
		for _, part := range []string{"Only " + host.Name + " can lift", "-- \n" + host.Name + "\n"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is not in\n%s", to, part, text)
			}
		}
		if strings.Contains(html, "<b>") || !strings.Contains(html, "border-top: 0.4em solid #1a6fb0;") || strings.Contains(html, `href="https://evil`) {
			t.Errorf("%s: got\n%s", to, html)
		}
	}
	event := fill(guard.EventUserSecure, guard.Event{Origin: datastore.OriginSupport, User: "ada", UserName: "Ada"})
	if _, _, text, _, err := notify.Write(host, notify.Texts(), &event, facts("ada", "en"), noon); err != nil || strings.Contains(text, "https://") {
		t.Errorf("the procedure has a link, %v:\n%s", err, text)
	}
}

// No line of a subject is empty or too long, and it is read as it was written.
func TestASubjectIsFoldedIntoWholeWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := notify.Flat(rapid.String().Draw(t, "subject"))
		folded := notify.FoldedSubject(want)
		for i, line := range strings.Split("Subject: "+folded, "\r\n") {
			if len(line) > 76 || i > 0 && (!strings.HasPrefix(line, " =?") || strings.TrimSpace(line) == "") || strings.ContainsAny(line, "\r\n") {
				t.Errorf("line %d is %q", i, line)
			}
		}
		if first, _, more := strings.Cut(folded, "\r\n"); more && strings.TrimSpace(first) == "" {
			t.Errorf("the first line is empty: %q", folded)
		}
		got, err := new(mime.WordDecoder).DecodeHeader(strings.ReplaceAll(folded, "\r\n", ""))
		if err != nil || got != want {
			t.Errorf("%q is read as %q, %v", want, got, err)
		}
	})
}

func TestManyAdministratorsAreCutShort(t *testing.T) {
	event := fill(guard.EventProductBlocked, guard.Event{Origin: datastore.OriginAdministrator})
	f := facts("lena", "en")
	for i := range 30 {
		f.Admins = append(f.Admins, datastore.Member{ID: fmt.Sprintf("admin-%02d", i), Role: datastore.Administrator})
	}
	_, _, text, _, err := notify.Write(notify.Host{}, notify.Texts(), &event, f, noon)
	if err != nil {
		t.Fatal(err)
	}
	if want := "admin-16 and 13 more."; !strings.Contains(text, want) {
		t.Errorf("got\n%s\nwant it to hold %q", text, want)
	}
}

func TestNamesCannotForgeATextOrMarkup(t *testing.T) {
	evil := "x\r\nBcc: eve@example.org\n\n## Call this number\n- now\u2028<script>alert(1)</script>\u202egnp.exe" + strings.Repeat("y", 300)
	event := fill(guard.EventProductBlocked, guard.Event{Origin: datastore.OriginAdministrator, Ticket: evil})
	event.ProductName, event.OrganizationName = evil, evil
	f := facts("ada", "en")
	f.Admins[0].Name = evil
	_, subject, text, html, err := notify.Write(notify.Host{}, notify.Texts(), &event, f, noon)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(subject, "\r\n\u2028\u202e") {
		t.Errorf("the subject has more than one line: %q", subject)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "Call this number") || strings.HasPrefix(line, "- now") || strings.HasPrefix(line, "Bcc") {
			t.Errorf("a name made a line of its own: %q", line)
		}
	}
	if strings.Contains(html, "<script") || strings.Contains(html, "<h2>Call") {
		t.Errorf("a name is markup:\n%s", html)
	}
}

func TestFlatIsOneShortLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flat := notify.Flat(rapid.String().Draw(t, "text"))
		if n := len([]rune(flat)); n > 120 {
			t.Errorf("%d characters", n)
		}
		for _, c := range flat {
			if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c != ' ' && unicode.IsSpace(c) {
				t.Errorf("it holds %U", c)
			}
		}
		if flat != strings.TrimSpace(flat) || strings.Contains(flat, "  ") || notify.Flat(flat) != flat {
			t.Errorf("%q can be flattened further", flat)
		}
	})
}
