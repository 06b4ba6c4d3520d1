package sdk_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

// curl asks a server with the program curl, as somebody without an SDK does.
type curl struct {
	t      *testing.T
	server *program.Server
	set    string // that is asked: the beginning of its paths
}

// overCurl asks the cases without an SDK: it shows what there is to send, and to read of the answers.
func overCurl(t *testing.T, server *program.Server, path string) string {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	return here(t, path, curl{t: t, server: server}.ask)
}

// post sends a body and reads the answer into out, or the problem that it is.
func (c curl) post(path string, body, out any, headers ...string) *failure {
	c.t.Helper()
	_, wrong := c.exchange(path, body, out, headers)
	return wrong
}

// exchange is post, and gives the headers of the answer too.
func (c curl) exchange(path string, body, out any, headers []string) (string, *failure) {
	c.t.Helper()
	arguments := []string{"--silent", "--show-error", "--include", "--oauth2-bearer", c.server.Key, "--json", "@-"}
	for _, h := range headers {
		arguments = append(arguments, "--header", h)
	}
	command := exec.CommandContext(c.t.Context(), "curl", append(arguments, c.server.URL+path)...) //nolint:gosec // of the cases
	command.Stdin = strings.NewReader(string(raw(c.t, body)))
	answer, err := command.Output()
	if err != nil {
		c.t.Fatalf("curl %s: %v", path, err)
	}
	head, text, _ := strings.Cut(string(answer), "\r\n\r\n")
	for strings.HasPrefix(head, "HTTP/1.1 100") { // of a long body
		head, text, _ = strings.Cut(text, "\r\n\r\n")
	}
	if strings.Contains(strings.ToLower(head), "content-type: "+client.ProblemType) {
		wrong := new(failure)
		c.read(path, text, wrong)
		return head, wrong
	}
	c.read(path, text, out)
	return head, nil
}

func (c curl) read(path, text string, out any) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(text), out); err != nil {
		c.t.Fatalf("curl %s: %q: %v", path, text, err)
	}
}

func (c curl) ask(asked shownCase) (any, *failure) {
	c.t.Helper()
	var a args
	if err := json.Unmarshal(asked.Args, &a); err != nil {
		c.t.Fatal(err)
	}
	if a.Set != "" {
		c.set = "/p/" + a.Set
	}
	switch asked.Call {
	case "can":
		said, wrong := c.decide(a)
		if wrong == nil && len(said.Reasons) > 0 && said.Reasons[0] == client.ReasonUnknownAction {
			wrong = &failure{200, client.ReasonUnknownAction}
		}
		return said.Decision, wrong
	case "decide":
		said, wrong := c.decide(a)
		return said, wrong
	case "can_all":
		return c.canAll(a.Questions)
	case "filter":
		can, wrong := c.canAll(a.each())
		left := []string{}
		for i, yes := range can {
			if yes {
				left = append(left, a.IDs[i])
			}
		}
		return left, wrong
	case "evaluations":
		return c.evaluations(a.Request)
	case "search_subjects", "search_resources", "search_actions":
		return c.search(strings.TrimSuffix(strings.TrimPrefix(asked.Call, "search_"), "s"), a)
	}
	return c.act(asked.Call, a)
}

func (c curl) decide(a args) (decision, *failure) {
	c.t.Helper()
	var headers []string
	if a.Explain != "" {
		headers = append(headers, "Cordon-Explain: "+a.Explain)
	}
	if a.Language != "" {
		headers = append(headers, "Accept-Language: "+a.Language)
	}
	var answer client.EvaluationResponse
	head, wrong := c.exchange(c.set+"/access/v1/evaluation", a.wire(), &answer, headers)
	said := decision{Decision: answer.Decision, Reasons: []string{}}
	if answer.Context != nil {
		said.Reasons, said.ReasonUser, said.ReasonAdmin = codes(answer.Context.Reasons), answer.Context.ReasonUser, answer.Context.ReasonAdmin
	}
	if _, after, ok := strings.Cut(head, "\r\nContent-Language: "); ok && a.Language != "" {
		said.Language, _, _ = strings.Cut(after, "\r\n")
	}
	return said, wrong
}

func (c curl) canAll(questions []question) ([]bool, *failure) {
	c.t.Helper()
	can := []bool{}
	for len(questions) > 0 {
		n := min(len(questions), 1000) // the most that a batch takes
		items := make([]client.EvaluationRequest, n)
		for i, q := range questions[:n] {
			items[i] = q.wire()
		}
		answers, wrong := c.evaluations(map[string]any{"evaluations": items})
		if wrong != nil {
			return nil, wrong
		}
		can, questions = append(can, answers...), questions[n:]
	}
	return can, nil
}

func (c curl) evaluations(batch any) ([]bool, *failure) {
	c.t.Helper()
	var answer client.EvaluationsResponse
	wrong := c.post(c.set+"/access/v1/evaluations", batch, &answer)
	can := []bool{}
	for _, e := range answer.Evaluations {
		can = append(can, e.Decision)
	}
	return can, wrong
}

func (c curl) search(what string, a args) ([]string, *failure) {
	c.t.Helper()
	body, page := map[string]any{}, map[string]any{}
	c.read(what, string(a.Request), &body)
	if a.Limit > 0 {
		page["limit"] = a.Limit
	}
	names := []string{}
	for {
		if len(page) > 0 {
			body["page"] = page
		}
		var found struct {
			Page    client.SearchNext
			Results []struct{ ID, Name string }
		}
		if wrong := c.post(c.set+"/access/v1/search/"+what, body, &found); wrong != nil {
			return nil, wrong
		}
		for _, one := range found.Results {
			names = append(names, one.ID+one.Name)
		}
		if page["token"] = found.Page.NextToken; found.Page.NextToken == "" {
			return names, nil
		}
	}
}

func (c curl) act(call string, a args) (any, *failure) {
	c.t.Helper()
	organization := "/v1/organizations/" + a.Organization
	var actor, by []string
	if a.As != "" {
		actor = []string{"Cordon-Actor: " + a.As}
	}
	if by = actor; a.Agent != "" {
		by = []string{"Cordon-Agent: " + a.Agent}
	}
	verb, on, _ := strings.Cut(call, "_") // block_user, but start_maintenance
	if on != "user" {
		if on == "maintenance" {
			verb += "-maintenance"
		}
		var done struct{ Product state }
		wrong := c.post(organization+"/products/"+a.Product+"/"+verb, map[string]any{"reason": a.Reason, "ticket": a.Ticket}, &done, by...)
		return done.Product, wrong
	}
	var code client.SupportCode
	if wrong := c.post(organization+"/support-codes", struct{}{}, &code, actor...); wrong != nil {
		return nil, wrong
	}
	body := map[string]any{"justification": a.Justification, "support_code": code.Code}
	if len(a.Channels) > 0 {
		body["channels"] = a.Channels
	}
	return struct{}{}, c.post(organization+"/users/"+a.User+"/"+verb, body, new(client.UserAnswer), by...)
}
