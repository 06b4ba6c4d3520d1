package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer bounds an answer that is read as a whole: above what the largest page holds, far below
// what would hurt the caller.
const maxAnswer = 32 << 20

// call is one call of the API, and whether trying it again is safe.
type call struct {
	method string
	path   []string // segments, escaped when they are sent
	query  url.Values
	body   any // marshalled as JSON; nil: none
	// decide: it carries Cordon-At-Least, is safe to repeat though it is a POST, and is done within the budget; about has
	// the organizations that it names.
	decide bool
	about  []string
}

// do carries out a call and reads its answer into out (nil: the answer does not matter).
func (c *Client) do(ctx context.Context, call call, out any) (http.Header, error) {
	what := call.method + " /" + strings.Join(call.path, "/")
	target, err := c.target(call)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	header := c.header()
	var body []byte
	if call.body != nil {
		if body, err = json.Marshal(call.body); err != nil {
			return nil, fmt.Errorf("%s: write the body: %w", what, err)
		}
		header.Set("Content-Type", "application/json")
		if call.method == http.MethodPatch {
			header.Set("Content-Type", mergePatch)
		}
	}
	if !call.decide && call.method != http.MethodGet {
		if c.ifMatch != "" {
			header.Set("If-Match", c.ifMatch)
		}
		if c.ifAbsent {
			header.Set("If-None-Match", "*")
		}
	}
	if c.config.Explain != "" && call.method != http.MethodGet {
		header.Set(HeaderExplain, c.config.Explain)
	}
	if call.decide {
		if v := c.atLeastHeader(call.about); v != "" {
			header.Set(HeaderAtLeast, v)
		}
	} else if call.method == http.MethodPost {
		// One key for all tries of this call: a try whose answer was lost is not carried out twice.
		header.Set(HeaderIdempotencyKey, rand.Text())
	}
	bound := c.limits(call.decide)
	ctx, cancel := bound.begin(ctx)
	defer cancel()
	var answer http.Header
	err = c.retry(ctx, bound, func(ctx context.Context) error {
		answer, err = c.try(ctx, call.method, target, header, body, out)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if call.method != http.MethodGet {
		c.shared.changes.note(call, answer)
	}
	return answer, nil
}

// open makes a call without a body whose answer is a stream, of any type and length; the caller closes it. A GET is tried again
// until its answer begins.
func (c *Client) open(ctx context.Context, call call) (*http.Response, error) {
	target, err := c.target(call)
	if err != nil {
		return nil, err
	}
	header := c.header()
	header.Set("Accept", "*/*")
	if call.method != http.MethodGet {
		return c.send(ctx, call.method, target, header, nil)
	}
	var res *http.Response
	err = c.retry(ctx, limits{tries: c.config.Tries}, func(ctx context.Context) error {
		res, err = c.send(ctx, call.method, target, header, nil) //nolint:bodyclose // the caller closes it
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// try sends a request once and reads the whole answer.
func (c *Client) try(ctx context.Context, method, target string, header http.Header, body []byte, out any) (http.Header, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	res, err := c.send(ctx, method, target, header, reader)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return res.Header, readAnswer(res, out)
}

// send sends a request and gives a response with a status of success; the caller closes its body.
func (c *Client) send(ctx context.Context, method, target string, header http.Header, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, body) //nolint:gosec // of the server that the config names
	if err != nil {
		return nil, err
	}
	token, err := c.shared.tokens.get(ctx)
	if err != nil {
		return nil, err
	}
	req.Header = header.Clone()
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := c.config.HTTPClient.Do(req) //nolint:gosec // as above
	if err != nil {
		// The url.Error repeats the URL, which says nothing here and may be long.
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		defer res.Body.Close()
		if res.StatusCode == http.StatusUnauthorized {
			c.shared.tokens.refused(token)
		}
		return nil, readProblem(res)
	}
	return res, nil
}

// readAnswer reads a whole answer of success.
func readAnswer(res *http.Response, out any) error {
	body, err := readBounded(res.Body)
	if err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	// A proxy's page of welcome must not pass for an answer.
	if t, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); t != "application/json" {
		return fmt.Errorf("the answer is %q and not JSON; is this a Cordon server?", res.Header.Get("Content-Type"))
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// readBounded reads all of r, unless that is too much.
func readBounded(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%w: read the answer: %w", ErrUnavailable, err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)
	}
	return body, nil
}

// readProblem makes an error of an answer that is none of success, whoever gave it.
func readProblem(res *http.Response) error {
	e := &Error{RetryAfter: retryAfter(res.Header)}
	if t, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); t == ProblemType {
		// What cannot be read leaves the status, which is enough to branch on.
		if body, err := readBounded(res.Body); err == nil {
			_ = json.Unmarshal(body, &e.Problem)
		}
	}
	e.Problem.Status, e.Problem.Language = res.StatusCode, res.Header.Get("Content-Language")
	if e.Problem.RequestID == "" {
		e.Problem.RequestID = res.Header.Get(HeaderRequestID)
	}
	return e
}

// header is what every request carries.
func (c *Client) header() http.Header {
	h := http.Header{}
	h.Set("Accept", "application/json, "+ProblemType)
	h.Set("User-Agent", c.config.UserAgent)
	if c.config.Language != "" {
		h.Set("Accept-Language", c.config.Language)
	}
	if c.config.Purpose != "" {
		h.Set(HeaderPurpose, c.config.Purpose)
	}
	if c.config.Actor != "" {
		h.Set(HeaderActor, c.config.Actor)
	}
	if c.config.Agent != "" {
		h.Set(HeaderAgent, c.config.Agent)
	}
	return h
}

// target is the URL of a call. An empty id, or a dot, would name another resource than was meant.
func (c *Client) target(call call) (string, error) {
	var b strings.Builder
	b.WriteString(c.base)
	for _, s := range call.path {
		if s == "" || s == "." || s == ".." {
			return "", fmt.Errorf("%q is no id: %w", s, ErrInvalid)
		}
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	if len(call.query) > 0 {
		b.WriteByte('?')
		b.WriteString(call.query.Encode())
	}
	return b.String(), nil
}
