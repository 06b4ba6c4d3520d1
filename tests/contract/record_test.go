package contract_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"testing"
	"time"

	"cordon/tests/program"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// awaitRecords waits until so many records are selected, and gives their list.
func (p place) awaitRecords(t *testing.T, query string, n int) answer {
	t.Helper()
	for asked := time.Now(); ; {
		a := p.ask(t, "GET", "/v1/decisions?limit=500&"+query, "").want(t, 200)
		var list struct{ Items []json.RawMessage }
		if err := json.Unmarshal([]byte(a.body), &list); err != nil || a.status != 200 {
			t.FailNow()
		}
		if len(list.Items) == n {
			return a
		}
		if len(list.Items) > n || time.Since(asked) > 2*time.Second {
			t.Fatalf("%s: %d records within 2 s, want %d: %s", a.asked, len(list.Items), n, a.body)
		}
	}
}

func TestFiltersOfTheLog(t *testing.T) { // docs/design.md 11, Records
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		q := settle(t, s, "other")
		decider := p.with(p.key(t, `{"name":"decider","scopes":["decide"]}`))
		// Six decisions, two changes and two refusals, each told from the others by something.
		p.check(t, "carl", "manage", "product", "ORG-shop")
		p.check(t, "carl", "view", "product", "ORG-shop")
		p.check(t, "cleo", "manage", "product", "ORG-shop")
		p.check(t, "carl", "use", "channel", "imap")
		decider.check(t, "carl", "manage", "product", "ORG-shop")
		q.check(t, "carl", "manage", "product", "ORG-shop")
		change := p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		p.ask(t, "POST", "~/products/ORG-shop/unblock", `{}`, "Cordon-Actor: lena").want(t, 200)
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: carl").want(t, 403)
		p.ask(t, "POST", "~/users/carl/block", `{"justification":"long enough it is"}`, "Cordon-Agent: sam").want(t, 403)

		id := change.at("decision_id")
		record := p.record(t, id)
		for _, row := range []struct {
			query string
			n     int
		}{
			{"organization=acme&kind=decision", 7},
			{"organization=other&kind=decision", 1},
			{"organization=nowhere", 0},
			{"organization=acme&subject=carl&kind=decision", 5},
			{"organization=acme&subject=cleo", 1},
			{"action=manage&organization=acme", 3},
			{"resource=acme-shop&kind=decision", 5},
			{"resource=imap", 1},
			{"organization=acme&decision=false", 3},
			{"organization=acme&decision=true&kind=decision", 4},
			{"reasons=not_granted", 1},
			{"reasons=role_not_permitted", 1},
			{"reasons=support_code_required", 1},
			{"actor=adam", 1},
			{"actor=carl", 1},
			{"agent=sam", 1},
			{"agent=adam", 0},
			{"action=block&kind=change", 1},
			{"action=block", 3},
			{"action=unblock&organization=acme", 1},
			{"id=" + id, 1},
			{"request_id=" + change.header.Get("X-Request-ID"), 1},
			{"policy=" + record.at("policy") + "&organization=other&kind=decision", 1},
			{"policy=sha256:0000&organization=acme", 0},
			{"replica=" + record.at("replica") + "&sequence=" + record.at("sequence"), 1},
			{"organization=acme&revision=" + change.at("revision") + "&kind=change", 1},
			{"organization=acme&kind=decision&from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z", 0},
			{"organization=acme&kind=decision&from=2001-01-01T00:00:00Z", 7},
			{"organization=acme&kind=decision&to=2001-01-01T00:00:00Z", 0},
			{"organization=acme&action=manage&subject=carl&decision=true", 2},
		} {
			p.awaitRecords(t, row.query, row.n)
		}
		// A page goes on where the last one ended, newest first.
		first := p.ask(t, "GET", "/v1/decisions?organization=acme&kind=decision&limit=4", "").want(t, 200).has(t, "items.#", "4")
		second := p.ask(t, "GET", "/v1/decisions?organization=acme&kind=decision&limit=4&cursor="+first.at("next_cursor"), "").want(t, 200).has(t, "items.#", "3").has(t, "next_cursor", "")
		if first.at("items.3.id") <= second.at("items.0.id") || first.at("items.0.id") <= first.at("items.1.id") {
			t.Error("the log is not newest first")
		}
		p.ask(t, "GET", "/v1/decisions?organization=acme&kind=change&limit=4&cursor="+first.at("next_cursor"), "").want(t, 400)
	})
}

func TestExports(t *testing.T) { // docs/design.md 4 and 11, Records
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		p.ask(t, "POST", "~/users/carl/block", `{"justification":"long enough it is"}`, "Cordon-Agent: sam").want(t, 403)
		p.check(t, "=1+1", "manage", "product", "ORG-shop")
		p.check(t, "carl", "manage", "product", "ORG-shop")
		p.awaitRecords(t, "subject=carl&kind=decision", 1)
		schema, err := jsonschema.NewCompiler().Compile("../../policies/schemas/input.jsonschema")
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range []string{"", "?format=ndjson"} {
			a := p.ask(t, "GET", "/v1/decisions/export"+query, "").want(t, 200).tells(t, "Content-Type", "application/x-ndjson")
			before, lines := "", 0
			for line := range exported(t, a.body) {
				var record struct {
					ID, Kind string
					Input    json.RawMessage
					Time     time.Time
				}
				if err := json.Unmarshal([]byte(line), &record); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				if record.ID <= before {
					t.Errorf("%s comes after %s: an export is oldest first", record.ID, before)
				}
				before = record.ID
				if record.Kind == "read" {
					continue // of those that waited for the rest
				}
				lines++
				if len(record.Input) == 0 {
					continue // an act of the host's that no rule was asked about
				}
				input, err := jsonschema.UnmarshalJSON(strings.NewReader(string(record.Input)))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(input); err != nil {
					t.Errorf("the input of %s is not as the schema says: %v", line, err)
				}
			}
			if lines != 7 { // those of the first key, of the policy and of the import with them
				t.Errorf("%d records were exported, want 7:\n%s", lines, a.body)
			}
		}
		a := p.ask(t, "GET", "/v1/decisions/export?format=csv&organization=acme&decision=false", "").want(t, 200)
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
			t.Errorf("a CSV export is %q", a.header.Get("Content-Type"))
		}
		rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		if err != nil || len(rows) != 4 {
			t.Fatalf("%d rows, want a head and three: %v\n%s", len(rows), err, a.body)
		}
		p.ask(t, "POST", "~/products/ORG-mail/start-maintenance", `{"reason":"Größe prüfen","ticket":"T-7"}`, "Cordon-Actor: adam").want(t, 200)
		table := p.ask(t, "GET", "/v1/decisions/export?format=csv&action=start_maintenance&kind=change", "").want(t, 200)
		if !strings.HasPrefix(table.body, "\ufeff") {
			t.Error("a spreadsheet does not know that an export is UTF-8")
		}
		facts, err := csv.NewReader(strings.NewReader(table.body)).ReadAll()
		if err != nil || len(facts) != 2 {
			t.Fatalf("%v\n%s", err, table.body)
		}
		flat := map[string]string{}
		for i, name := range facts[0] {
			flat[name] = facts[1][i]
		}
		for name, want := range map[string]string{
			"said": "Größe prüfen", "ticket": "T-7", "subject_role": "administrator", "subject_blocked": "false",
			"resource_kind": "mail_service", "resource_maintenance": "false", "reasons": "administrator", "conflict": "",
		} {
			if flat[name] != want {
				t.Errorf("%s is %q, want %q", name, flat[name], want)
			}
		}
		if flat["message"] == "" || !strings.HasPrefix(flat["changes"], "product acme-mail maintenance:  -> ") {
			t.Errorf("message %q, changes %q", flat["message"], flat["changes"])
		}
		for _, row := range rows[1:] {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
					t.Errorf("the cell %q runs in a spreadsheet", cell)
				}
			}
		}
	})
}

func TestSequencesHaveNoGap(t *testing.T) { // docs/design.md 7 and 11, Records: across restarts too
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		key := program.FirstKey(t, where)
		for round := range 3 {
			p := settle(t, program.Serve(t, where, key), "org"+string(rune('a'+round)))
			for range 10 {
				p.check(t, "carl", "manage", "product", "ORG-shop")
				p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam")
				p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: carl").want(t, 403)
			}
			if round == 1 {
				p.Kill()
			} else if err := p.Stop(); err != nil {
				t.Fatal(err)
			}
		}
		p := place{Server: program.Serve(t, where, key), org: "orga"}
		p.check(t, "carl", "manage", "product", "ORG-shop")
		p.awaitRecords(t, "organization=orga&subject=carl&action=manage&kind=decision", 11)
		sequences := map[string]map[int64]bool{}
		records := 0
		for line := range exported(t, p.ask(t, "GET", "/v1/decisions/export", "").want(t, 200).body) {
			var record struct {
				Replica  string
				Sequence int64
			}
			if err := json.Unmarshal([]byte(line), &record); err != nil {
				t.Fatal(err)
			}
			if sequences[record.Replica] == nil {
				sequences[record.Replica] = map[int64]bool{}
			}
			if sequences[record.Replica][record.Sequence] {
				t.Errorf("%s has two records %d", record.Replica, record.Sequence)
			}
			sequences[record.Replica][record.Sequence] = true
			records++
		}
		for replica, have := range sequences {
			for n := int64(1); n <= int64(len(have)); n++ {
				if !have[n] {
					t.Errorf("%s has %d records and none with sequence %d", replica, len(have), n)
				}
			}
		}
		if records < 60 {
			t.Errorf("%d records after three runs", records)
		}
	})
}

func TestWhatAFilterSelects(t *testing.T) { // docs/design.md 11, Records
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		for range 5 {
			p.check(t, "cleo", "manage", "product", "ORG-shop")
		}
		// A reason is found wherever it stands among the reasons.
		p.awaitRecords(t, "subject=cleo&reasons=not_granted", 5)
		list := p.awaitRecords(t, "subject=cleo&reasons=product_blocked", 5)
		// from is the first instant, to the first that is left out.
		at := list.at("items.2.time")
		p.awaitRecords(t, "subject=cleo&id="+list.at("items.2.id")+"&from="+at, 1)
		p.awaitRecords(t, "subject=cleo&id="+list.at("items.2.id")+"&to="+at, 0)
		p.awaitRecords(t, "subject=cleo&from="+at+"&to="+at, 0)
		if later, earlier := p.awaitedCount(t, "subject=cleo&from="+at), p.awaitedCount(t, "subject=cleo&to="+at); later+earlier != 5 {
			t.Errorf("%d from and %d to an instant, of 5", later, earlier)
		}
		// Pages of one, by every filter, come to the same as the whole.
		for _, query := range []string{"subject=cleo", "organization=acme&action=manage", "kind=decision&replica=" + list.at("items.0.replica"), "revision=2", "decision=false&reasons=product_blocked", "kind=decision&from=" + at} {
			whole := p.ask(t, "GET", "/v1/decisions?limit=500&"+query, "").want(t, 200)
			cursor, n := "", 0
			for {
				page := p.ask(t, "GET", "/v1/decisions?limit=1&"+query+cursor, "").want(t, 200)
				if page.at("items.0.id") != whole.at("items."+strconv.Itoa(n)+".id") {
					t.Fatalf("%s: record %d is %q in pages and %q in the whole", query, n, page.at("items.0.id"), whole.at("items."+strconv.Itoa(n)+".id"))
				}
				if n++; page.at("next_cursor") == "" {
					break
				}
				cursor = "&cursor=" + page.at("next_cursor")
			}
			if strconv.Itoa(n) != whole.at("items.#") {
				t.Errorf("%s: %d pages, %s records", query, n, whole.at("items.#"))
			}
		}
	})
}

// Whoever reads the log is in it: who, and what they looked for.
func TestEveryReadOfTheLogIsOnRecord(t *testing.T) { // docs/design.md 11, Records
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		made := p.ask(t, "POST", "/v1/keys", `{"name":"auditor","scopes":["audit"]}`).want(t, 201)
		auditor := p.with(made.at("key"))
		mine := "kind=read&caller=" + made.at("id")
		p.check(t, "carl", "manage", "product", "ORG-shop")
		id := p.awaitRecords(t, "subject=carl&kind=decision", 1).at("items.0.id")

		auditor.ask(t, "GET", "/v1/decisions?organization=ORG&action=manage&from=2026-01-01T00:00:00Z", "").want(t, 200)
		p.awaitRecords(t, mine, 1).
			has(t, "items.0.question.action.name", "view_decisions").has(t, "items.0.question.subject.id", made.at("id")).
			has(t, "items.0.decision", "true").has(t, "items.0.reasons.0.code", "host").
			has(t, "items.0.details.filter.organization", "acme").has(t, "items.0.details.filter.action", "manage").
			has(t, "items.0.details.filter.from", "2026-01-01T00:00:00Z")
		auditor.ask(t, "GET", "/v1/decisions/"+id, "").want(t, 200)
		p.awaitRecords(t, mine, 2).has(t, "items.0.details.filter.id", id)
		auditor.ask(t, "GET", "/v1/decisions/export?format=csv&subject=carl", "").want(t, 200)
		p.awaitRecords(t, mine, 3).has(t, "items.0.details.filter.subject", "carl")
		// What is refused before anything is read is no reading, and one that finds nothing is.
		auditor.ask(t, "GET", "/v1/decisions?subject=", "").want(t, 400)
		auditor.ask(t, "GET", "/v1/decisions/01a208ff-7f07-73e6-bbe0-f14a3d9f8959", "").want(t, 404)
		p.awaitRecords(t, mine, 4).has(t, "items.0.details.filter.id", "01a208ff-7f07-73e6-bbe0-f14a3d9f8959")
		// An acting user's says it too.
		p.ask(t, "GET", "/v1/decisions?organization=ORG&subject=carl", "", "Cordon-Actor: adam").want(t, 200)
		p.awaitRecords(t, "kind=read&actor=adam", 1).has(t, "items.0.details.filter.subject", "carl").has(t, "items.0.organization", "acme")
	})
}

func TestWhyTheLogIsReadIsOnRecord(t *testing.T) { // docs/design.md 13, Purpose
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		made := p.ask(t, "POST", "/v1/keys", `{"name":"auditor","scopes":["audit"]}`).want(t, 201)
		auditor := p.with(made.at("key"))
		p.check(t, "carl", "manage", "product", "ORG-shop")
		id := p.awaitRecords(t, "subject=carl&kind=decision", 1).at("items.0.id")
		for i, path := range []string{"/v1/decisions?subject=carl", "/v1/decisions/" + id, "/v1/decisions/export?subject=carl"} {
			why := fmt.Sprintf("Überprüfung %d \"für\" T-17", i)
			auditor.ask(t, "GET", path, "", "Cordon-Purpose: "+why).want(t, 200)
			p.awaitRecords(t, "kind=read&caller="+made.at("id"), i+1).has(t, "items.0.details.purpose", why)
			for _, wrong := range []string{strings.Repeat("x", 501), "a\tb", "not \xff UTF-8"} {
				auditor.ask(t, "GET", path, "", "Cordon-Purpose: "+wrong).want(t, 400, "invalid_header")
			}
		}
		auditor.ask(t, "GET", "/v1/decisions?subject=carl", "", "Cordon-Purpose: "+strings.Repeat("é", 500)).want(t, 200)
		// An acting user's says it too, and what is no reading of the log takes no notice.
		p.ask(t, "GET", "/v1/decisions?organization=ORG", "", "Cordon-Actor: adam", "Cordon-Purpose: my own audit").want(t, 200)
		p.awaitRecords(t, "kind=read&actor=adam", 1).has(t, "items.0.details.purpose", "my own audit")
		p.ask(t, "GET", "/v1/organizations", "", "Cordon-Purpose:").want(t, 200)
	})
}

// awaitedCount is how many records a query selects.
func (p place) awaitedCount(t *testing.T, query string) int {
	t.Helper()
	n, err := strconv.Atoi(p.ask(t, "GET", "/v1/decisions?limit=500&"+query, "").want(t, 200).at("items.#"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// exported gives the lines of an export, of which the last one is its manifest, and no other.
func exported(t *testing.T, body string) iter.Seq[string] {
	t.Helper()
	begin := strings.LastIndexByte(strings.TrimSuffix(body, "\n"), '\n') + 1
	const manifest = `{"manifest":{`
	if !strings.HasPrefix(body[begin:], manifest) || strings.Count(body, manifest) != 1 {
		t.Errorf("an export does not end with its manifest: %s", body[begin:])
	}
	return strings.Lines(body[:begin])
}
