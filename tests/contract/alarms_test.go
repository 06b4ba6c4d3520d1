package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/VictoriaMetrics/metricsql"
	"go.yaml.in/yaml/v3"
)

// asked is a question of an alarm or of a panel, in PromQL.
type asked struct{ where, expression string }

// alarm is one rule of deploy/prometheus/alarms.yaml.
type alarm struct {
	Alert, Expr, For string
	Labels           struct{ Severity string }
	Annotations      struct{ Summary string }
}

// alarms reads them as Prometheus does: a member that it does not know is an error.
func alarms(t *testing.T) []alarm {
	t.Helper()
	text, err := os.ReadFile("../../deploy/prometheus/alarms.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []alarm
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil || len(file.Groups) != 1 || len(file.Groups[0].Rules) < 10 {
		t.Fatalf("alarms.yaml has %+v, %v", file, err)
	}
	return file.Groups[0].Rules
}

// panel is one of deploy/grafana/cordon.json.
type panel struct {
	ID          int
	Type, Title string
	Grid        struct{ X, Y, W, H int } `json:"gridPos"`
	Targets     []struct{ Expr, LegendFormat, RefID string }
}

func panels(t *testing.T) []panel {
	t.Helper()
	text, err := os.ReadFile("../../deploy/grafana/cordon.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		UID    string
		Panels []panel
	}
	if err := json.Unmarshal(text, &dashboard); err != nil || dashboard.UID != "cordon" || len(dashboard.Panels) < 10 {
		t.Fatalf("cordon.json has %d panels, %v", len(dashboard.Panels), err)
	}
	return dashboard.Panels
}

// deployed holds what is under deploy against a page of figures: it asks for nothing that is not served.
func deployed(t *testing.T, page string) {
	t.Helper()
	var all []asked
	for _, a := range alarms(t) {
		all = append(all, asked{"the alarm " + a.Alert, a.Expr})
	}
	grafana := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*")
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			all = append(all, asked{"the panel " + p.Title, grafana.Replace(target.Expr)})
		}
	}
	for _, a := range all {
		for _, wrong := range unserved(a.expression, page) {
			t.Errorf("%s: %s", a.where, wrong)
		}
	}
}

// part is what the figures of a histogram have behind its name.
var part = regexp.MustCompile(`_(bucket|sum|count)$`)

// unserved says what a question asks for that a page has not got: figures, and labels of them.
func unserved(expression, page string) (wrong []string) {
	parsed, err := metricsql.Parse(expression)
	if err != nil {
		return []string{err.Error()}
	}
	figures := served(page)
	known := map[string]bool{"job": true, "instance": true} // Prometheus' own
	var labels []string
	look := func(name string) {
		of, ok := figures[name]
		base := part.ReplaceAllString(name, "")
		if !ok && strings.HasPrefix(figures[base], "histogram") {
			of, ok = figures[base]+" le", true
		}
		if !ok && name != "up" && !strings.Contains(page, "\n"+name+" ") {
			wrong = append(wrong, "there is no figure "+name)
		}
		_, of, _ = strings.Cut(of, " ")
		for label := range strings.FieldsSeq(of) {
			known[label] = true
		}
	}
	metricsql.VisitAll(parsed, func(node metricsql.Expr) {
		switch n := node.(type) {
		case *metricsql.MetricExpr:
			for _, filter := range slices.Concat(n.LabelFilterss...) {
				if filter.Label == "__name__" {
					look(filter.Value)
				} else {
					labels = append(labels, filter.Label)
				}
			}
		case *metricsql.ModifierExpr:
			labels = append(labels, n.Args...)
		}
	})
	for _, label := range labels {
		if !known[label] {
			wrong = append(wrong, fmt.Sprintf("none of its figures has a label %s", label))
		}
	}
	return wrong
}

func TestWhatAnAlarmMayAskFor(t *testing.T) {
	const page = "\n# TYPE cordon_store_up gauge\ncordon_store_up 1\n# TYPE cordon_x_seconds histogram\ncordon_x_seconds_bucket{route=\"a\",le=\"1\"} 1\n"
	for expression, want := range map[string]string{
		`cordon_store_up == 0`:                         "",
		`up{job="cordon"} == 0`:                        "",
		`sum by (le, route) (cordon_x_seconds_bucket)`: "",
		`cordon_stor_up == 0`:                          "there is no figure cordon_stor_up",
		`cordon_store_up_bucket`:                       "there is no figure cordon_store_up_bucket",
		`sum by (part) (cordon_store_up)`:              "none of its figures has a label part",
		`cordon_store_up{part="x"}`:                    "none of its figures has a label part",
		`rat(cordon_store_up[5m]) > 0`:                 "unsupported function",
		`cordon_store_up >`:                            "singleExpr: unexpected token",
	} {
		if got := strings.Join(unserved(expression, page), "; "); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}

// Whoever is woken finds what to do, and a summary that Prometheus can fill in.
func TestEachAlarmHasALineInTheRunbook(t *testing.T) { // docs/metrics.md, Alarms
	document, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(document), "\n## Alarms\n")
	section, _, _ = strings.Cut(section, "\n## ")
	written := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(Cordon\\w+)` \\| ([^|]{20,}) \\| ([^|]{20,}) \\|$").FindAllStringSubmatch(section, -1) {
		written[row[1]] = true
	}
	same := func(v any) string { return fmt.Sprint(v) }
	functions := template.FuncMap{"humanizeDuration": same, "humanizePercentage": same}
	for _, a := range alarms(t) {
		if !written[a.Alert] {
			t.Errorf("%s has no line in docs/metrics.md that says what it means and what to do", a.Alert)
		}
		delete(written, a.Alert)
		if a.Labels.Severity != "page" && a.Labels.Severity != "ticket" {
			t.Errorf("%s has the severity %q", a.Alert, a.Labels.Severity)
		}
		if a.For != "" && !regexp.MustCompile(`^[1-9]\d*[smh]$`).MatchString(a.For) {
			t.Errorf("%s waits for %q", a.Alert, a.For)
		}
		summary, err := template.New("").Funcs(functions).Parse("{{$labels := .}}{{$value := 1.5}}" + a.Annotations.Summary)
		if err == nil {
			err = summary.Execute(new(strings.Builder), map[string]string{})
		}
		if err != nil || a.Annotations.Summary == "" {
			t.Errorf("the summary of %s is %q, %v", a.Alert, a.Annotations.Summary, err)
		}
		for _, label := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(a.Annotations.Summary, -1) {
			if strings.Contains(a.Expr, " by (") && !regexp.MustCompile(`by \([^)]*\b`+label[1]+`\b`).MatchString(a.Expr) {
				t.Errorf("the summary of %s tells the %s, and its expression leaves that out", a.Alert, label[1])
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(written)) {
		t.Errorf("docs/metrics.md says what to do about %s, which is no alarm", name)
	}
}

func TestPanelsLieBesideEachOther(t *testing.T) {
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range panels(t) {
		if p.Title == "" || ids[p.ID] || p.Type != "row" && len(p.Targets) == 0 || p.Grid.X+p.Grid.W > 24 || p.Grid.W*p.Grid.H == 0 {
			t.Errorf("a panel is %+v", p)
		}
		ids[p.ID] = true
		for x := range p.Grid.W {
			for y := range p.Grid.H {
				at := [2]int{p.Grid.X + x, p.Grid.Y + y}
				if other := taken[at]; other != "" {
					t.Fatalf("%q lies upon %q", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
	}
}
