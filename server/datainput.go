package server

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cordon/guard"
)

// wants reports whether a parameter of the query is said, as OPA's server takes it: true, or without a value.
func (c *call) wants(name string) bool {
	values, ok := c.query()[name]
	return ok && (len(values) == 1 && values[0] == "" || slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, "true") }))
}

// lastQuery returns a parameter of the query; of several the last, as OPA's server does.
func (c *call) lastQuery(name string) string {
	if values := c.query()[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

func (c *call) query() url.Values { return c.req.URL.Query() }

// readInput reads the input, which is AuthZEN's question: of a GET a parameter of the query, of a POST a member of the body.
func (c *call) readInput(q *dataQuestion) (err error) {
	if c.req.Method != http.MethodGet {
		data, err := c.readData()
		if err != nil {
			return err
		}
		q.input, err = readDataBody(data, q.set != "")
		return c.malformed(err)
	}
	if len(c.query()["input"]) == 0 {
		return c.malformed(errNoInput)
	}
	q.input, err = readQuestion([]byte(c.lastQuery("input")), q.set != "")
	return c.malformed(err)
}

var errNoInput = invalid(field("", `is missing: {"subject", "action", "resource"}, as in POST /access/v1/evaluation`))

// readDataBody reads {"input": ...}. Other members are passed over, as OPA's server does.
func readDataBody(data []byte, whole bool) (asked, error) {
	var a asked
	r, err := newReader(data)
	if err != nil {
		return a, err
	}
	r.whole = whole
	given := false
	r.object(func(name string) {
		switch {
		case name != "input":
			r.skip()
		case r.isNull():
		case r.dec.PeekKind() != '{':
			given, a.wrong = true, append(a.wrong, field("", "must be an object"))
			r.skip()
		default:
			given = true
			r.object(func(name string) { r.askedMember(&a, name) })
		}
	})
	switch {
	case r.err != nil:
		return a, r.err
	case !given:
		return a, errNoInput
	}
	return a, nil
}

// malformed says what is wrong with an input in OPA's way.
func (c *call) malformed(err error) error {
	wrong, ok := errors.AsType[*guard.Invalid](err)
	if _, said := errors.AsType[*explained](err); !ok || said {
		return err
	}
	where := "body"
	if c.req.Method == http.MethodGet {
		where = "parameter"
	}
	var each []string
	for _, f := range wrong.Errors {
		at := "input" + f.Pointer
		if strings.HasPrefix(f.Pointer, "/input") { // it was found before the input was
			at = f.Pointer[1:]
		}
		each = append(each, at+" "+f.Detail)
	}
	return because(err, where+" contains malformed input document: "+strings.Join(each, "; "))
}

// readData reads a body that may be packed. Its type is not looked at, since callers of OPA send any: only YAML, which OPA
// takes and this does not, is refused with a word of its own.
func (c *call) readData() ([]byte, error) {
	if strings.Contains(strings.ToLower(c.req.Header.Get("Content-Type")), "yaml") {
		return nil, because(errMediaType, "YAML is not read here: send JSON")
	}
	encoding := strings.ToLower(strings.Join(c.req.Header["Content-Encoding"], ","))
	if encoding != "" && encoding != "identity" && encoding != "gzip" {
		return nil, because(errMediaType, "Content-Encoding is gzip, or none")
	}
	data, err := c.readAll()
	if err != nil || encoding != "gzip" {
		return data, err
	}
	return c.unpack(bytes.NewReader(data))
}

// unpack unpacks a body, up to the limit of one that is not packed.
func (c *call) unpack(packed io.Reader) ([]byte, error) {
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		return nil, invalid(field("", "is not packed by gzip"))
	}
	limit := c.largestBody()
	data, err := io.ReadAll(io.LimitReader(unpacked, limit+1))
	switch {
	case int64(len(data)) > limit:
		return nil, c.tooLarge(limit)
	case err != nil:
		return nil, invalid(field("", "is not packed by gzip, or not whole"))
	}
	return data, nil
}
