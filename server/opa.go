package server

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	"cordon.example/client"
	"cordon/guard"
)

// largestUpload bounds what an agent sends at once, packed or not. OPA's own bound is 32 KiB unless it is told another.
const largestUpload = 4 << 20

// takeEvents takes a chunk of the decision log of an agent of Open Policy Agent (docs/design.md 13).
func takeEvents(c *call) error {
	body, err := c.readUpload()
	if err != nil {
		return err
	}
	taken, err := c.server.config.Guard.TakeEvents(c.context(), &c.origin, body)
	if err != nil {
		return err
	}
	c.allowWrite()
	return c.answer(http.StatusAccepted, client.TakenEvents{Events: taken.Events, Repeated: taken.Repeated})
}

// readUpload reads the body, and has it unpacked as it is read again.
func (c *call) readUpload() (io.Reader, error) {
	packed := strings.EqualFold(c.req.Header.Get("Content-Encoding"), "gzip")
	if packed {
		c.req.Header.Del("Content-Encoding")
	}
	if err := c.checkMedia("application/json"); err != nil {
		return nil, because(errMediaType, "Content-Type must be application/json, as it is or with Content-Encoding: gzip")
	}
	if c.req.ContentLength > largestUpload {
		return nil, c.tooLarge(largestUpload)
	}
	c.limitBody()
	data, err := io.ReadAll(io.LimitReader(c.req.Body, largestUpload+1))
	switch {
	case err != nil:
		return nil, c.bodyError(err)
	case len(data) > largestUpload:
		return nil, c.tooLarge(largestUpload)
	case !packed:
		return bytes.NewReader(data), nil
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, invalid(field("", "is not packed by gzip"))
	}
	return unpacked, nil
}

// eventsDetail says which bound was passed.
func eventsDetail(err error) string {
	e, ok := errors.AsType[*guard.EventsTooLarge](err)
	if !ok {
		return ""
	}
	return e.What + "; have the agent send less at once (upload_size_limit_bytes)"
}
