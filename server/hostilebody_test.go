package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"cordon.example/client"
)

// point is where a question is asked.
type point struct {
	path string
	data bool // OPA's: the question is the input, and errors have OPA's shape
}

// questionPoints are all that answer questions.
func questionPoints() []point {
	var all []point
	for _, base := range []string{"", "/p/notes"} {
		for _, path := range []string{"/evaluation", "/evaluations", "/search/subject", "/search/resource", "/search/action"} {
			all = append(all, point{path: base + "/access/v1" + path})
		}
	}
	return append(all, point{"/v1/data/cordon/allow", true}, point{"/v1/data/authzen/notes/allow", true})
}

func (d point) body(question string) string {
	if d.data {
		return input(question)
	}
	return question
}

// refuses checks that a body is refused with a sentence.
func (d point) refuses(t *testing.T, got answer, statuses ...int) {
	t.Helper()
	var said struct {
		Status        int
		Code, Message string
		Detail        string
	}
	problem := got.header.Get("Content-Type") == client.ProblemType
	if d.data {
		statuses = []int{http.StatusBadRequest}
	}
	fine := false
	for _, status := range statuses {
		fine = fine || got.status == status
	}
	if !fine || problem == d.data {
		t.Errorf("%s: got %d %s %.300s, want %v", d.path, got.status, got.header.Get("Content-Type"), got.body, statuses)
		return
	}
	if err := json.Unmarshal([]byte(got.body), &said); err != nil || said.Detail == "" && said.Message == "" || said.Code == "" {
		t.Errorf("%s: it does not say what is wrong: %.300s %v", d.path, got.body, err)
	}
	if got.header.Get(client.HeaderDecisionID) != "" {
		t.Errorf("%s: something was decided", d.path)
	}
}

func hostileWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, options{server: opened, library: true, open: true})
	w.acme(t)
	w.addSet(t, notes())
	return w
}

func TestHostileBodiesAreRefusedWhereverOneAsks(t *testing.T) {
	w := hostileWorld(t)
	before := func(member string) string {
		return strings.Replace(plainQuestion, `{"subject"`, "{"+member+`,"subject"`, 1)
	}
	id := func(text string) string { return strings.Replace(plainQuestion, `"anna"`, `"`+text+`"`, 1) }
	for name, question := range map[string]string{
		"a member twice":                      before(`"subject":{"type":"user","id":"rita"}`),
		"an id twice":                         strings.Replace(plainQuestion, `"id":"shop"`, `"id":"shop","id":"mail"`, 1),
		"a name spelled otherwise, twice":     before(`"subje\u0063t":{"type":"user","id":"rita"}`),
		"twice where nobody looks":            before(`"x":[{"a":1,"b":{"c":1,"c":2}}]`),
		"another case, and none":              strings.Replace(plainQuestion, `"resource"`, `"Resource"`, 1) + " ",
		"65 arrays":                           before(`"context":{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}"),
		"65 objects":                          before(`"x":` + strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65)),
		"100,000 brackets":                    before(`"x":` + strings.Repeat("[", 100_000)),
		"no UTF-8":                            id("\xff"),
		"no UTF-8 in a name":                  before("\"\xc3\x28\":1"),
		"UTF-8 that is too long":              id("\xc0\xaf"),
		"a surrogate in UTF-8":                id("\xed\xa0\x80"),
		"half a surrogate":                    id(`\ud800`),
		"the other half":                      id(`\udc00\ud800`),
		"half a surrogate in a name":          before(`"\ud800":1`),
		"half a surrogate where nobody looks": before(`"x":"\udead"`),
		"a byte order mark":                   "\ufeff" + plainQuestion,
		"UTF-16":                              "\xff\xfe{\x00}\x00",
		"a zero":                              plainQuestion + "\x00",
		"a control character":                 id("a\nb"),
		"not a number":                        before(`"context":{"n":NaN}`),
		"a number of others":                  before(`"context":{"n":0x10}`),
		"a plus":                              before(`"context":{"n":+1}`),
		"a comma too many":                    before(`"context":{},`),
		"a comment":                           before(`"context":{}/* */`),
		"two questions":                       plainQuestion + plainQuestion,
		"an empty id":                         id(""),
		"a long id":                           id(strings.Repeat("a", 1025)),
		"an id that is a number":              strings.Replace(plainQuestion, `"shop"`, "9007199254740993", 1),
		"a type that is an array":             strings.Replace(plainQuestion, `"product"`, `["product"]`, 1),
	} {
		for _, d := range questionPoints() {
			switch {
			case strings.Contains(d.path, "/search/subject") && (strings.Contains(question, `"id":""`) || strings.Contains(question, "aaaaaa")),
				strings.Contains(d.path, "/search/resource") && strings.Contains(question, "9007199254740993"):
				continue // the id of what is searched for is passed over
			}
			t.Run(name+d.path, func(t *testing.T) {
				d.refuses(t, w.do(t, http.MethodPost, d.path, d.body(question)), http.StatusBadRequest)
			})
		}
	}
	for _, d := range questionPoints() { // of what stands beside the question
		for name, test := range map[string]struct {
			body  string
			edits []edit
		}{
			"nothing":         {"", nil},
			"white space":     {" \r\n\t", nil},
			"an array":        {"[" + plainQuestion + "]", nil},
			"null":            {"null", nil},
			"packed":          {packed(t, d.body(plainQuestion)), []edit{set("Content-Encoding", "br")}},
			"said to be":      {d.body(plainQuestion), []edit{set("Content-Encoding", "gzip")}},
			"packed, unsaid":  {packed(t, d.body(plainQuestion)), nil},
			"twice packed":    {packed(t, packed(t, d.body(plainQuestion))), []edit{set("Content-Encoding", "gzip, gzip")}},
			"of another type": {d.body(plainQuestion), []edit{contentType("application/yaml")}},
		} {
			t.Run(name+d.path, func(t *testing.T) {
				d.refuses(t, w.do(t, http.MethodPost, d.path, test.body, test.edits...), http.StatusBadRequest)
			})
		}
	}
}

// A member in another case is another member, and what is asked is asked as it stands.
func TestNothingIsSmuggledIntoAQuestion(t *testing.T) {
	w := hostileWorld(t)
	clio := strings.Replace(plainQuestion, "anna", "clio", 1)
	for name, question := range map[string]string{
		"another subject":   strings.Replace(clio, `{"subject"`, `{"Subject":{"type":"user","id":"anna"},"SUBJECT":{"type":"user","id":"anna"},"subject"`, 1),
		"another id":        strings.Replace(clio, `"id":"clio"`, `"ID":"anna","id":"clio","Id":"anna"`, 1),
		"a letter like s":   strings.Replace(clio, `{"subject"`, `{"ſubject":{"type":"user","id":"anna"},"subject"`, 1),
		"its facts":         strings.Replace(clio, `"id":"clio"`, `"id":"clio","role":"administrator","properties":{"role":"administrator","grants":["shop"]}`, 1),
		"a number as an id": strings.Replace(clio, `{"subject"`, `{"context":{"id":1e400,"n":123456789012345678901234567890},"subject"`, 1),
	} {
		for _, d := range []point{{path: single}, {path: many}, {"/v1/data/cordon/allow", true}} {
			got := w.do(t, http.MethodPost, d.path, d.body(question)).want(t, http.StatusOK)
			if !strings.Contains(got.body, `"decision":false`) && !strings.Contains(got.body, `"result":false`) {
				t.Errorf("%s, %s: got %s", name, d.path, got.body)
			}
		}
		got := w.do(t, http.MethodPost, "/access/v1/search/action", question).want(t, http.StatusOK)
		if strings.Contains(got.body, `"manage"`) {
			t.Errorf("%s: found %s", name, got.body)
		}
	}
}

// A number beyond 2^53 is what it is, in a policy set and on record.
func TestNumbersAreNotRounded(t *testing.T) {
	w := hostileWorld(t)
	w.addSet(t, client.PolicySetNew{Set: "lost", Message: "numbers", Files: map[string]string{
		"lost.rego": "package authzen.lost\n\nallow if format_int(input.context.n, 10) == \"9007199254740993\"\n",
	}})
	for number, want := range map[string]bool{"9007199254740993": true, "9007199254740992": false, "9007199254740994": false} {
		question := strings.Replace(plainQuestion, `{"subject"`, `{"context":{"n":`+number+`},"subject"`, 1)
		for _, d := range []point{{path: "/p/lost/access/v1/evaluation"}, {path: "/p/lost/access/v1/evaluations"}, {"/v1/data/authzen/lost/allow", true}} {
			got := w.do(t, http.MethodPost, d.path, d.body(question)).want(t, http.StatusOK)
			if strings.Contains(got.body, "true") != want {
				t.Errorf("%s, %s: got %s", d.path, number, got.body)
			}
			if r := w.record(t, got.header.Get(client.HeaderDecisionID)); !strings.Contains(r.body, number) {
				t.Errorf("%s: it is not on record: %s", number, r.body)
			}
		}
	}
	for _, number := range []string{"1e400", "1e999999999", strings.Repeat("9", 100), "-1e-999999999"} {
		question := strings.Replace(plainQuestion, `{"subject"`, `{"context":{"n":`+number+`},"subject"`, 1)
		for _, d := range questionPoints() {
			if got := w.do(t, http.MethodPost, d.path, d.body(question)); got.status != http.StatusOK && got.status != http.StatusBadRequest {
				t.Errorf("%s, %.20s: got %d %s", d.path, number, got.status, got.body)
			}
		}
	}
}

// spaces is a body without an end.
type spaces struct{ left int }

func (s *spaces) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), s.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	s.left -= n
	return n, nil
}

// Whatever a body is, answering or refusing it takes no more memory than the largest body may: some 25 MiB, for a search of a
// policy set, which is given a tree of 20,000 members; most bodies take a tenth of that. What runs beside it is counted, too.
func TestHugeBodiesCostLittle(t *testing.T) {
	w := hostileWorld(t)
	handler := w.server.Handler()
	send := func(path string, body io.Reader, length int64, packing string) answer {
		request := httptest.NewRequest(http.MethodPost, path, body)
		request.ContentLength = length
		request.Header = http.Header{"Authorization": {"Bearer " + w.key}, "Content-Type": {"application/json"}}
		if packing != "" {
			request.Header.Set("Content-Encoding", packing)
		}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		return answer{recorder.Code, recorder.Header(), recorder.Body.String()}
	}
	const huge = 10 << 20
	question := func(member string) string {
		return strings.Replace(plainQuestion, `{"subject"`, "{"+member+`,"subject"`, 1)
	}
	var names strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&names, `,"%d":0`, i)
	}
	bomb := packed(t, strings.Repeat(" ", 64<<20))
	type body struct {
		text     string // "": 10 MB of spaces
		length   int64
		packing  string
		statuses []int
	}
	for name, b := range map[string]body{
		"10 MB":               {length: huge, statuses: []int{413}},
		"10 MB, unsaid":       {length: -1, statuses: []int{413}},
		"100,000 items":       {text: question(`"evaluations":[0` + strings.Repeat(",0", 99_999) + "]"), statuses: []int{200, 413}},
		"100,000 items, {}":   {text: question(`"evaluations":[{}` + strings.Repeat(",{}", 99_999) + "]"), statuses: []int{413}},
		"20,000 names":        {text: question(`"context":{"x":0` + names.String() + "}"), statuses: []int{200}},
		"250,000 brackets":    {text: question(`"x":` + strings.Repeat("[", 250_000)), statuses: []int{400}},
		"250 KB of a name":    {text: question(`"` + strings.Repeat("x", 120_000) + `":1,"` + strings.Repeat("x", 120_000) + `":1`), statuses: []int{400}},
		"250 KB of a context": {text: question(`"context":{"x":"` + strings.Repeat("x", 250_000) + `"}`), statuses: []int{200}},
		"inherited by 1,000":  {text: question(`"context":{"x":"` + strings.Repeat("x", 250_000) + `"},"evaluations":[{}` + strings.Repeat(",{}", 999) + "]"), statuses: []int{200, 413}},
		"64 MB, packed":       {text: bomb, packing: "gzip", statuses: []int{400}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, d := range questionPoints() {
				once := func() (got answer) {
					switch {
					case b.text == "":
						return send(d.path, &spaces{huge}, b.length, "")
					case b.packing != "":
						return send(d.path, strings.NewReader(b.text), int64(len(b.text)), b.packing)
					default:
						text := d.body(b.text)
						return send(d.path, strings.NewReader(text), int64(len(text)), "")
					}
				}
				if got := once(); got.status == http.StatusOK {
					if len(b.statuses) > 0 && b.statuses[0] != http.StatusOK {
						t.Errorf("%s: got %d %.200s", d.path, got.status, got.body)
					}
				} else {
					d.refuses(t, got, b.statuses...)
				}
				took := allocated(func() { once() })
				if most := uint64(48 << 20); took > most {
					t.Errorf("%s took %d KiB of memory, want at most %d", d.path, took>>10, most>>10)
				}
				if testing.Verbose() {
					t.Logf("%s: %d KiB", d.path, took>>10)
				}
			}
		})
	}
}

// allocated returns how many bytes a function allocates, and what others do meanwhile.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// connect opens a connection.
func connect(t *testing.T, url string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

func (w *world) head(path string, length int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, w.key, length)
}

// Who sends a byte at a time is answered like anybody, as long as the time of a body is not over; who does not send the rest
// is refused.
func TestSlowAndHalfClosedBodies(t *testing.T) {
	w := hostileWorld(t)
	url, _ := w.running(t, opened)
	for _, d := range questionPoints() {
		body := d.body(plainQuestion)
		conn := connect(t, url)
		if _, err := io.WriteString(conn, w.head(d.path, len(body))); err != nil {
			t.Fatal(err)
		}
		for i := range len(body) {
			if _, err := io.WriteString(conn, body[i:i+1]); err != nil {
				t.Fatal(err)
			}
		}
		if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s, byte by byte: %v %v", d.path, res, err)
		}
		conn = connect(t, url)
		if _, err := io.WriteString(conn, w.head(d.path, len(body)+1)+body); err != nil {
			t.Fatal(err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s, half closed: %v %v", d.path, res, err)
		}
	}
}

func TestBodiesOfQuestionsHaveTheirTime(t *testing.T) {
	w := hostileWorld(t)
	url := serveLate(t, w.server)
	for _, d := range questionPoints() {
		res, _ := dial(t, url, w.head(d.path, 500)+"{")
		want := http.StatusRequestTimeout
		if d.data {
			want = http.StatusBadRequest
		}
		if res.StatusCode != want || res.Header.Get("Connection") != "close" && !res.Close {
			t.Errorf("%s: got %d %v, want %d", d.path, res.StatusCode, res.Header, want)
		}
	}
}
