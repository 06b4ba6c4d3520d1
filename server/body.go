package server

import (
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

var bodies = sync.Pool{New: func() any {
	b := make([]byte, 0, 4<<10)
	return &b
}}

// largestPooled keeps single huge bodies from staying in memory.
const largestPooled = 64 << 10

// readBody reads the whole body, which must be of a media type of JSON and within the limit. What it gives is valid
// until the call ends.
func (c *call) readBody(media string) ([]byte, error) {
	if err := c.checkMedia(media); err != nil {
		return nil, err
	}
	return c.readAll()
}

// largestBody bounds a body, in bytes.
func (c *call) largestBody() int64 { return max(c.server.config.MaxBody, c.route.largest) }

// buffer returns empty memory that is used again when the call has ended; what it grows to is to be put into c.body.
func (c *call) buffer() []byte {
	c.body, _ = bodies.Get().(*[]byte)
	return (*c.body)[:0]
}

// readAll reads the whole body, which must be within the limit. What it gives is valid until the call ends.
func (c *call) readAll() ([]byte, error) {
	limit := c.largestBody()
	if c.req.ContentLength > limit {
		return nil, c.tooLarge(limit)
	}
	c.limitBody()
	data := c.buffer()
	defer func() { *c.body = data[:0] }()
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

// limitBody has the body come in the time that bodies have, which begins when the head is there: the time that the HTTP
// server has for both would let a body have what its head left over.
func (c *call) limitBody() {
	// Not by control, which allocates where there is no connection, as in tests.
	if connection, ok := c.echo.Response().Writer.(interface{ SetReadDeadline(t time.Time) error }); ok {
		_ = connection.SetReadDeadline(c.start.Add(c.server.bodyTime)) // where it is not supported, there is none
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
	wanted := strings.Join(allowed, " or ") + ", in UTF-8 and not compressed"
	refusal := because(errMediaType, "Content-Type must be "+wanted)
	if c.route.access { // AuthZEN 1.0: 400
		refusal = invalid(field("", "must be of Content-Type "+wanted))
	}
	if len(given) != 1 {
		return refusal
	}
	media, parameters, wrong := mime.ParseMediaType(given[0])
	charset := strings.ToLower(parameters["charset"])
	encoding := strings.ToLower(c.req.Header.Get("Content-Encoding"))
	if wrong != nil || !slices.Contains(allowed, media) || charset != "" && charset != "utf-8" && charset != "us-ascii" ||
		encoding != "" && encoding != "identity" {
		return refusal
	}
	return nil
}

// decode reads the body strictly into v, and prepares the idempotency of the call.
func (c *call) decode(v any) error {
	data, err := c.readBody(mediaJSON[0])
	if err != nil {
		return err
	}
	if err := decodeStrict(data, v); err != nil {
		return err
	}
	return c.rememberOnce(data)
}
