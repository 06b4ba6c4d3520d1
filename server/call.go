package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"cordon/client"
	"cordon/guard"
)

// call is one request on its way through the server. Handlers see this and never Echo.
type call struct {
	server *Server
	route  *route
	echo   echo.Context
	req    *http.Request
	start  time.Time

	origin      guard.Origin
	ctx         deadline
	body        *[]byte   // pooled; nil before it is read
	values      [6]string // behind the headers of the answer, which are slices
	used        int
	explanation explanation
	token       bool  // the caller came with a token of the issuer, not with a key
	failure     error // what was answered with a problem
	retry       int   // seconds of Retry-After, where the call knows better than the table of problems
}

// These are behind headers of many answers; nobody writes to them.
var (
	mediaJSON = []string{"application/json"}
	noStore   = []string{"no-store"}
	noSniff   = []string{"nosniff"}
)

func (c *call) header() http.Header { return c.echo.Response().Header() }

// begin sends the status and the headers; write sends more of the body.
func (c *call) begin(status int)               { c.echo.Response().WriteHeader(status) }
func (c *call) write(body []byte) (int, error) { return c.echo.Response().Write(body) }

// begun tells that the answer has begun, so that its status cannot be changed any more.
func (c *call) begun() bool { return c.echo.Response().Committed }

// control sets the time limits of the connection.
func (c *call) control() *http.ResponseController {
	return http.NewResponseController(c.echo.Response().Writer)
}

// address is the client's, as far as its word on that is believed.
func (c *call) address() string { return c.echo.RealIP() }

// set sets a header of the answer whose name is canonical, without an allocation of its own.
func (c *call) set(name, value string) {
	if c.used == len(c.values) {
		c.header()[name] = []string{value}
		return
	}
	c.values[c.used] = value
	c.used++
	c.header()[name] = c.values[c.used-1 : c.used : c.used]
}

// context gives the request's context, limited to the time that the route has.
func (c *call) context() context.Context { return &c.ctx }

// param gives an id in the path. One outside the pattern is refused; one with a slash is no id but
// another path, which Echo takes for a long last parameter.
func (c *call) param(name string) string {
	for i, known := range c.route.names {
		if known == name {
			value, _ := url.PathUnescape(c.echo.ParamValues()[i]) // checked by checkPath
			return value
		}
	}
	return ""
}

func (c *call) checkPath() error {
	values := c.echo.ParamValues()
	for i, name := range c.route.names {
		if strings.Contains(values[i], "/") || values[i] == "" {
			return errRoute
		}
		value, err := url.PathUnescape(values[i])
		if err != nil || !guard.ValidID(value) {
			return because(errID, "{"+name+"} is no id: 1 to 128 letters, digits and . _ @ -, the first a letter or digit")
		}
	}
	return nil
}

// checkQuery refuses what the route does not know: an ignored filter misleads (docs/design.md 11, Statuses).
func (c *call) checkQuery() error {
	if c.route.access || c.req.URL.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(c.req.URL.RawQuery)
	if err != nil {
		return because(errQuery, "it cannot be read")
	}
	for name, values := range query {
		if !contains(c.route.query, name) {
			return because(errQuery, fmt.Sprintf("the parameter %q is not known here", name))
		}
		if len(values) > 1 {
			return because(errQuery, fmt.Sprintf("the parameter %q is there twice", name))
		}
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, known := range list {
		if known == s {
			return true
		}
	}
	return false
}

var bodies = sync.Pool{New: func() any {
	b := make([]byte, 0, 4<<10)
	return &b
}}

// largestPooled keeps single huge bodies from staying in memory.
const largestPooled = 64 << 10

// readBody reads the whole body, which must be JSON and within the limit. What it gives is valid
// until the call ends.
func (c *call) readBody() ([]byte, error) {
	if err := c.checkMedia("application/json"); err != nil {
		return nil, err
	}
	limit := c.server.config.MaxBody
	if c.req.ContentLength > limit {
		return nil, c.tooLarge(limit)
	}
	buffer, _ := bodies.Get().(*[]byte)
	c.body = buffer
	data := (*buffer)[:0]
	defer func() { *buffer = data[:0] }()
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := c.req.Body.Read(data[len(data):min(cap(data), int(limit)+1)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > limit:
			return nil, c.tooLarge(limit)
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, c.bodyError(err)
		}
	}
}

func (c *call) tooLarge(limit int64) error {
	c.header().Set("Connection", "close") // the rest is not read
	return because(errTooLarge, "it has more than "+strconv.FormatInt(limit, 10)+" bytes")
}

// bodyError tells a body that came too slowly from one that broke off.
func (c *call) bodyError(err error) error {
	c.header().Set("Connection", "close")
	if kindOf(err).status == http.StatusRequestTimeout {
		return errSlow
	}
	return invalid(field("", "broke off"))
}

// checkMedia refuses a body of another type than those allowed.
func (c *call) checkMedia(allowed ...string) error {
	given := c.req.Header["Content-Type"]
	if len(given) == 1 && given[0] == allowed[0] && c.req.Header["Content-Encoding"] == nil {
		return nil
	}
	err := errMediaType
	if c.route.access {
		err = errAccessType
	}
	sentence := "Content-Type must be " + strings.Join(allowed, " or ") + ", in UTF-8 and not compressed"
	if len(given) != 1 {
		return because(err, sentence)
	}
	media, parameters, wrong := mime.ParseMediaType(given[0])
	charset := strings.ToLower(parameters["charset"])
	encoding := strings.ToLower(c.req.Header.Get("Content-Encoding"))
	if wrong != nil || !contains(allowed, media) || charset != "" && charset != "utf-8" && charset != "us-ascii" ||
		encoding != "" && encoding != "identity" {
		return because(err, sentence)
	}
	return nil
}

// decode reads the body strictly into v, and prepares the idempotency of the call.
func (c *call) decode(v any) error {
	data, err := c.readBody()
	if err != nil {
		return err
	}
	if err := decodeStrict(data, v); err != nil {
		return err
	}
	return c.rememberOnce(data)
}

// answer sends v as JSON.
func (c *call) answer(status int, v any) error {
	body, err := render(v)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	c.send(status, body)
	return nil
}

// render writes JSON: equal values as equal texts, so that a repeat cannot be told from its first.
func render(v any) ([]byte, error) { return json.Marshal(v, json.Deterministic(true)) }

// largestMeasured is up to where net/http finds out the length of an answer by itself; longer ones it
// would send in chunks.
const largestMeasured = 2 << 10

// send sends JSON. That the client has gone is no failure of ours, so it is not told.
func (c *call) send(status int, body []byte) {
	h := c.header()
	if h["Content-Type"] == nil {
		h["Content-Type"] = mediaJSON
	}
	if len(body) > largestMeasured {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	c.begin(status)
	if c.req.Method != http.MethodHead {
		_, _ = c.write(body)
	}
}

// decided sets the headers of an answer that a decision stands behind (docs/design.md 4).
func (c *call) decided(a *guard.Answer) {
	if a.ID == "" {
		return
	}
	c.set(client.HeaderDecisionID, a.ID)
	if a.Policy != "" {
		c.set(client.HeaderPolicy, a.Policy)
	}
	if revision := revisionOf(a); revision != "" {
		c.set(client.HeaderRevision, revision)
	}
}

// revisionOf gives the revision that an answer was decided at; nothing where no organization is
// concerned.
func revisionOf(a *guard.Answer) string {
	if a.Organization == "" {
		return ""
	}
	return strconv.FormatInt(a.Revision, 10)
}

// isDenied tells whether an error is a mutation that the rules refused.
func isDenied(err error) bool {
	_, denied := errors.AsType[*guard.Denied](err)
	return denied
}

// answerOf gives the decision behind a refusal, if there is one.
func answerOf(err error) *guard.Answer {
	if denied, ok := errors.AsType[*guard.Denied](err); ok {
		return &denied.Answer
	}
	if conflict, ok := errors.AsType[*guard.Conflict](err); ok && conflict.Answer.ID != "" {
		return &conflict.Answer
	}
	return nil
}
