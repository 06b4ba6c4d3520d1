package scripts_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// curl asks the server. A word with a colon before its first brace is a header, the last without one is
// the body.
func curl(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "curl METHOD PATH [HEADER: VALUE]... [BODY]")
	s := of(ts)
	headers, body := args[2:], ""
	if n := len(headers); n > 0 && !isHeader(headers[n-1]) {
		headers, body = headers[:n-1], headers[n-1]
	}
	request, err := http.NewRequestWithContext(s.ctx, args[0], ts.Getenv("CORDON_URL")+args[1], strings.NewReader(body))
	ts.Check(err)
	if key := ts.Getenv("CORDON_KEY"); key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ":")
		request.Header.Set(name, strings.TrimSpace(value))
	}
	s.answer, err = http.DefaultClient.Do(request)
	ts.Check(err)
	defer s.answer.Body.Close()
	s.body, err = io.ReadAll(s.answer.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", s.body)
}

var headerLine = regexp.MustCompile(`^[A-Za-z-]+: `)

func isHeader(word string) bool { return headerLine.MatchString(word) }

func status(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "status CODE")
	if got := of(ts).answer.StatusCode; strconv.Itoa(got) != args[0] {
		ts.Fatalf("status %d, want %s\n%s", got, args[0], of(ts).body)
	}
}

func header(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg && len(args) != 1 || !neg && len(args) != 2, "header NAME PATTERN")
	got := of(ts).answer.Header.Values(args[0])
	switch {
	case neg && len(got) > 0:
		ts.Fatalf("%s is %q, want none", args[0], got)
	case neg:
	case len(got) != 1 || !regexp.MustCompile(args[1]).MatchString(got[0]):
		ts.Fatalf("%s is %q, want one that matches %s", args[0], got, args[1])
	}
}

func member(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg && len(args) != 1 || !neg && len(args) != 2, "json PATH VALUE")
	got, ok := at(of(ts).body, args[0])
	switch {
	case neg && ok:
		ts.Fatalf("%s is %s, want none", args[0], got)
	case neg:
	case !ok || got != args[1]:
		ts.Fatalf("%s is %q, want %q in\n%s", args[0], got, args[1], of(ts).body)
	}
}

// at gives a member of a JSON document by its path: names and numbers with dots between, # for how
// many there are.
func at(document []byte, path string) (string, bool) {
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		return "", false
	}
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			inner, ok := v[name]
			if !ok {
				return "", false
			}
			value = inner
		case []any:
			if name == "#" {
				value = len(v)
				continue
			}
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				return "", false
			}
			value = v[i]
		default:
			return "", false
		}
	}
	if text, ok := value.(string); ok {
		return text, true
	}
	text, err := json.Marshal(value)
	return string(text), err == nil
}
