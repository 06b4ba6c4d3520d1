package server

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

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
	body        *[]byte   // pooled; nil as long as there is none, of the request or of a long answer
	values      [6]string // behind the headers of the answer, which are slices
	used        int
	explanation explanation
	token       bool  // the caller came with a token of the issuer, not with a key
	basic       bool  // what they came with was in Authorization: Basic
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
