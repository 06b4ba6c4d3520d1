package contract_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cordon/tests/program"

	"github.com/google/go-cmp/cmp"
)

var (
	kindLine   = regexp.MustCompile(`(?m)^# TYPE (cordon_\w+) (\w+)$`)
	sampleLine = regexp.MustCompile(`(?m)^(cordon_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$`)
	labelName  = regexp.MustCompile(`(\w+)="`)
	tableRow   = regexp.MustCompile("(?m)^\\| `(cordon_\\w+)` \\| (\\w+) \\|([^|]*)\\|")
)

// served tells of each figure on a page its type and labels, as the table of the documents does.
func served(page string) map[string]string {
	figures := map[string]string{}
	for _, m := range kindLine.FindAllStringSubmatch(page, -1) {
		figures[m[1]] = m[2]
	}
	labels := map[string]map[string]bool{}
	for _, m := range sampleLine.FindAllStringSubmatch(page, -1) {
		if labels[m[1]] == nil {
			labels[m[1]] = map[string]bool{}
		}
		for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
			if l[1] != "le" {
				labels[m[1]][l[1]] = true
			}
		}
	}
	for name, names := range labels {
		figures[name] = strings.TrimSpace(figures[name] + " " + strings.Join(slices.Sorted(maps.Keys(names)), " "))
	}
	return figures
}

func TestEveryMetricIsInTheTableAndTheOtherWayRound(t *testing.T) { // docs/metrics.md
	document, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]string{}
	for _, m := range tableRow.FindAllStringSubmatch(string(document), -1) {
		table[m[1]] = strings.TrimSpace(m[2] + " " + strings.NewReplacer("`", "", ",", "").Replace(strings.TrimSpace(m[3])))
	}
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		box := program.OpenMailbox(t, nil)
		p := settle(t, program.Serve(t, where, program.FirstKey(t, where), append(box.Flags(), "--audit-witness", filepath.Join(t.TempDir(), "witness"))...), "acme")
		p.check(t, "carl", "manage", "product", "ORG-shop")
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		p.awaitMetric(t, `cordon_outbox_messages{kind="mail",state="dead"} 0`)
		p.with("ck_nobody_x").ask(t, "GET", "/v1/keys", "").want(t, 401)
		p.awaitMetric(t, `cordon_log_selfcheck_ok 1`)
		p.awaitMetric(t, `cordon_log_witness_ok 1`)
		page := p.metrics(t)
		if diff := cmp.Diff(table, served(page)); diff != "" {
			t.Errorf("docs/metrics.md and /metrics differ: -table +served\n%s", diff)
		}
		deployed(t, page)
		for _, line := range []string{
			`cordon_authentication_failures_total{cause="key_unknown"} 1`, `cordon_store_up 1`, `cordon_mail_up 1`, `cordon_policy_disagreements_total 0`,
		} {
			if !strings.Contains(page, "\n"+line+"\n") {
				t.Errorf("there is no line %s", line)
			}
		}
		for _, name := range []string{"acme", "adam", "carl", "shop"} {
			if strings.Contains(page, `"`+name) {
				t.Errorf("%s is a label", name)
			}
		}
	})
}

func TestAMailServerThatStopsIsSeen(t *testing.T) { // docs/metrics.md; docs/design.md 11, Readiness
	t.Parallel() // it waits, mostly
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		t.Parallel()
		closed := program.OpenMailbox(t, nil)
		closed.Close()
		s := program.Serve(t, where, program.FirstKey(t, where), closed.Flags()...)
		p := settle(t, s, "acme")
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		p.awaitMetric(t, `cordon_mail_up 0`)
		p.awaitMetric(t, `cordon_outbox_messages{kind="mail",state="pending"} 4`)
		verbose := p.ask(t, "GET", "/readyz?verbose", "").want(t, 200).has(t, "status", "ok").has(t, "outbox.waiting", "4").has(t, "outbox.dead", "0")
		if got := states(verbose); got != "store ok, feed ok, journal ok, policy ok, mail failing, clock ok, log ok, witness off" {
			t.Errorf("the parts are %s", got)
		}
		if a := p.with("").ask(t, "GET", "/readyz?verbose", "").want(t, 200); a.at("outbox") != "" || a.at("parts.2.waiting_records") != "" || a.at("parts.#") != "8" {
			t.Errorf("whoever asks is shown %s", a.body)
		}
		p.with("ck_no_one").ask(t, "GET", "/readyz?verbose", "").want(t, 401, "unauthenticated")
		box, err := program.ListenMail(closed.Address, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer box.Close()
		box.AwaitCount(t, 4)
		p.awaitMetric(t, `cordon_mail_up 1`)
		p.awaitMetric(t, `cordon_outbox_messages{kind="mail",state="pending"} 0`)
		for _, line := range []string{"mail server does not answer", "mail server answers again"} {
			if n := strings.Count(s.Output(), line); n != 1 {
				t.Errorf("the log says %d times %q, want once", n, line)
			}
		}
		if strings.Contains(s.Output(), "@acme.example") || strings.Contains(s.Output(), closed.Address) {
			t.Error("the log has an address")
		}
	})
}

// states tells how the parts of a server are.
func states(a answer) string {
	var list []string
	for i := 0; a.at(fmt.Sprintf("parts.%d.name", i)) != ""; i++ {
		list = append(list, a.at(fmt.Sprintf("parts.%d.name", i))+" "+a.at(fmt.Sprintf("parts.%d.state", i)))
	}
	return strings.Join(list, ", ")
}
