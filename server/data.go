package server

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cordon.example/client"
	"cordon/guard"
)

const dataPath = "/v1/data/{path}"

// verdicts are the documents that a package may have: the built-in one has both, a policy set has one.
var verdicts = [2]string{"allow", "decision"}

// dataQuestion is a question of a caller of Open Policy Agent.
type dataQuestion struct {
	set     string   // "": the built-in domain
	below   []string // the path below the package
	input   asked
	tracing guard.Tracing
	read    time.Duration // what it took to read it
}

// askData answers as the Data API of Open Policy Agent does (docs/design.md 14).
func askData(c *call) error {
	q := dataQuestion{tracing: guard.Tracing{Mode: c.lastQuery("explain"), Lines: c.wants("pretty")}}
	if err := c.document(&q); err != nil {
		return err
	}
	switch caller := c.origin.Caller; {
	case !q.tracing.Tells():
	case !caller.May(guard.ScopeAudit) && !caller.May(guard.ScopePolicy):
		return because(errScope, "explain tells the facts and the rules, and needs the scope audit or policy")
	case caller.Organization != "": // whoever is limited reads no policy elsewhere either
		return because(guard.ErrOrganizationLimit, "explain tells the rules, which are those of all organizations: ask without it")
	}
	if err := c.readInput(&q); err != nil {
		return err
	}
	q.read = time.Since(c.start)
	known := verdicts[:]
	if q.set != "" {
		verdict, err := c.server.config.Guard.VerdictIn(c.context(), &c.origin, q.set)
		if err != nil {
			return err
		}
		known = []string{verdict}
	}
	if len(q.below) > 0 && !slices.Contains(known, q.below[0]) {
		return c.answerData(&dataAnswer{Warning: &dataWarning{"api_usage_warning", "there is no such document, and nothing was decided: the package has " + strings.Join(known, " and ")}})
	}
	begun := time.Now()
	a, err := c.decideData(&q)
	if err != nil {
		return err
	}
	took := time.Since(begun)
	if c.wants("provenance") {
		a.Provenance = &provenance{Version: c.server.config.Version, Bundles: map[string]bundleRevision{cmp.Or(q.set, client.SetCordon): {a.policy}}}
	}
	if c.wants("metrics") || c.wants("instrument") {
		a.Metrics = map[string]int64{
			"timer_rego_input_parse_ns": q.read.Nanoseconds(),
			"timer_rego_query_eval_ns":  took.Nanoseconds(),
			"timer_server_handler_ns":   time.Since(c.start).Nanoseconds(),
		}
	}
	return c.answerData(a)
}

// document finds out which package a path leads to, and what below it. Which packages there are is told to nobody whom
// they are not for: whatever is not configured is not there.
func (c *call) document(q *dataQuestion) error {
	path := strings.Split(strings.TrimPrefix(c.req.URL.Path, "/v1/data/"), "/")
	for _, name := range c.server.config.OPAPackages {
		parts := strings.Split(name, ".")
		if len(path) < len(parts) || !slices.Equal(path[:len(parts)], parts) {
			continue
		}
		q.below = path[len(parts):]
		if len(parts) > 1 {
			q.set = parts[1]
		}
		return nil
	}
	return because(errRoute, "no package at this path is answered for here; whoever runs the server names those that are (--opa-packages)")
}

// decideData decides, and picks what was asked for out of what the package says.
func (c *call) decideData(q *dataQuestion) (*dataAnswer, error) {
	var question guard.Question
	if q.set != "" {
		return c.decideDataIn(q, &question)
	}
	if err := q.input.question(&question); err != nil {
		return nil, c.malformed(err)
	}
	var err error
	if c.origin.AtLeast, err = atLeast(c.req.Header[client.HeaderAtLeast]); err != nil {
		return nil, err
	}
	answer, err := c.server.config.Guard.Decide(c.context(), &c.origin, &question)
	if err != nil {
		return nil, err
	}
	c.decided(&answer)
	language := c.language(&answer)
	c.tellIn(language)
	allowed := strconv.FormatBool(answer.Allowed)
	text := append([]byte(nil), `{"allow":`+allowed+`,"decision":{"allow":`+allowed+`,"reasons":`...)
	text = append(c.appendExplained(append(text, answer.ReasonsJSON(language)...), &answer), "}}"...)
	a := &dataAnswer{DecisionID: answer.ID, Result: find(text, q.below), policy: answer.Policy}
	if q.tracing.Tells() {
		told, err := c.server.config.Guard.Trace(c.context(), &answer, &q.tracing)
		if err != nil {
			return nil, err
		}
		a.Explanation = jsontext.Value(told)
	}
	return a, nil
}

// decideDataIn decides by a policy set of an operator.
func (c *call) decideDataIn(q *dataQuestion, question *guard.Question) (*dataAnswer, error) {
	if err := q.input.whole(question); err != nil {
		return nil, c.malformed(err)
	}
	answer, err := c.decideIn(q.set, question)
	if err != nil {
		return nil, err
	}
	text := []byte("{}")
	switch {
	case answer.Undefined:
	case answer.Verdict == verdicts[0]:
		text = []byte(`{"allow":` + strconv.FormatBool(answer.Allowed) + "}")
	default:
		text = append(appendSetAnswer([]byte(`{"decision":`), &answer), '}')
	}
	a := &dataAnswer{DecisionID: answer.ID, Result: find(text, q.below), policy: answer.Policy}
	if q.tracing.Tells() {
		told, err := c.server.config.Guard.TraceIn(c.context(), q.set, question, &answer, &q.tracing)
		if err != nil {
			return nil, err
		}
		a.Explanation = jsontext.Value(told)
	}
	return a, nil
}

// find returns what is at a path below a value, nil where nothing is.
func find(text []byte, path []string) jsontext.Value {
	value := jsontext.Value(text)
	for _, name := range path {
		switch value.Kind() {
		case '{':
			var members map[string]jsontext.Value
			if json.Unmarshal(value, &members) != nil {
				return nil
			}
			value = members[name]
		case '[':
			var items []jsontext.Value
			at, err := strconv.Atoi(name)
			if err != nil || json.Unmarshal(value, &items) != nil || at < 0 || at >= len(items) {
				return nil
			}
			value = items[at]
		default:
			return nil
		}
	}
	return value
}
