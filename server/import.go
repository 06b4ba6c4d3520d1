package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cordon.example/client"
	"cordon/guard"
)

// longestLine bounds one line of an import; the whole has no bound (docs/design.md 10).
const longestLine = 256 << 10

// importLines takes a directory in, line by line as it arrives.
func importLines(c *call) error {
	if err := c.checkMedia("application/x-ndjson", "application/ndjson", "application/jsonl", "application/json"); err != nil {
		return err
	}
	report, err := c.server.config.Guard.Import(c.context(), &c.origin, c.importSeq())
	if err != nil || report.StoppedAtLine > 0 {
		c.passOver()
	}
	if err != nil {
		return brokenImport(err, &report)
	}
	shown := client.ImportReport{
		Organizations: report.Organizations, Users: report.Users, Products: report.Products, Grants: report.Grants,
		Refused: make([]client.Refusal, len(report.Refused)), StoppedAtLine: report.StoppedAtLine,
	}
	for i, r := range report.Refused {
		shown.Refused[i] = client.Refusal{Line: r.Line, Code: r.Code, Detail: r.Detail}
	}
	c.allowWrite()
	return c.answer(http.StatusOK, shown)
}

// brokenImport says of an import that broke off what stays of it.
func brokenImport(err error, report *guard.ImportReport) error {
	if report.Organizations+report.Users+report.Products == 0 {
		return err
	}
	return because(err, fmt.Sprintf("The import broke off. %d organizations, %d users and %d products were taken in and stay; send it again.",
		report.Organizations, report.Users, report.Products))
}

// mostPassedOver bounds what is read of an import that has stopped.
const mostPassedOver = 64 << 20

// passOver reads the rest of a body that nobody looks at: many clients read no answer before they have
// sent all. One with more to send than that, or that takes longer than a body may, is cut off.
func (c *call) passOver() {
	_ = c.control().SetReadDeadline(time.Now().Add(bodyTimeout)) // where it is not supported, there is none
	if _, err := io.CopyN(io.Discard, c.req.Body, mostPassedOver); !errors.Is(err, io.EOF) {
		c.header().Set("Connection", "close")
	}
}

// allowWrite gives the answer the time that it had lost to a long body.
func (c *call) allowWrite() {
	_ = c.control().SetWriteDeadline(time.Now().Add(writeTimeout)) // where it is not supported, there is none
}

// importSeq reads the lines. It ends with an error when the body breaks off or stops flowing.
func (c *call) importSeq() iter.Seq2[guard.ImportLine, error] {
	return func(yield func(guard.ImportLine, error) bool) {
		lines := bufio.NewReaderSize(&flowing{call: c, control: c.control()}, 64<<10)
		for number := 1; ; number++ {
			line, whole, err := readLine(lines)
			switch {
			case err != nil && !errors.Is(err, io.EOF):
				yield(guard.ImportLine{}, err)
				return
			case !whole:
				if !yield(refusedLine(number, "too_long", "the line has more than "+strconv.Itoa(longestLine)+" bytes"), nil) {
					return
				}
			case len(bytes.TrimSpace(line)) > 0:
				if !yield(c.limited(importLine(number, line)), nil) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

// flowing is a body that may take as long as something comes, within the time of the call.
type flowing struct {
	call    *call
	control *http.ResponseController
}

func (f *flowing) Read(p []byte) (int, error) {
	if err := f.call.context().Err(); err != nil {
		return 0, err
	}
	if err := f.control.SetReadDeadline(time.Now().Add(bodyTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := f.call.req.Body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = f.call.bodyError(err)
	}
	return n, err
}

// readLine reads a line without its end; whole is false for one that is too long, which is passed
// over.
func readLine(r *bufio.Reader) (line []byte, whole bool, err error) {
	whole = true
	for {
		part, err := r.ReadSlice('\n')
		if whole && len(line)+len(part) <= longestLine {
			line = append(line, part...)
		} else {
			line, whole = nil, false
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, whole, err
		}
	}
}

// limited refuses a line of another organization than the caller is limited to.
func (c *call) limited(line guard.ImportLine) guard.ImportLine {
	about := line.In
	if line.Organization != nil {
		about = line.ID
	}
	if limit := c.origin.Caller.Organization; limit == "" || line.Refused != nil || about == limit {
		return line
	}
	return refusedLine(line.Line, "organization_limit", "the caller is limited to another organization")
}

func refusedLine(number int, code, detail string) guard.ImportLine {
	return guard.ImportLine{Line: number, Refused: &guard.Refusal{Line: number, Code: code, Detail: detail}}
}

// importLine decodes a line as strictly as a body.
func importLine(number int, data []byte) guard.ImportLine {
	var body client.ImportLine
	if err := decodeStrict(data, &body); err != nil {
		detail := "it cannot be read"
		if invalid, ok := errors.AsType[*guard.Invalid](err); ok && len(invalid.Errors) > 0 {
			detail = strings.Replace(fieldSentence(invalid.Errors[0]), "the body ", "the line ", 1)
		}
		return refusedLine(number, "invalid", detail)
	}
	set := 0
	line := guard.ImportLine{Line: number, Size: len(data)}
	if o := body.Organization; o != nil {
		put := organizationOf(&o.OrganizationBody)
		line.ID, line.Organization = o.ID, &put
		set++
	}
	if u := body.User; u != nil {
		put := memberOf(&u.UserBody)
		line.ID, line.In, line.Member = u.ID, u.Organization, &put
		set++
	}
	if p := body.Product; p != nil {
		line.ID, line.In, line.Product = p.ID, p.Organization, &guard.PutProduct{Name: p.Name, Kind: p.Kind}
		set++
	}
	if set != 1 {
		return refusedLine(number, "invalid", fmt.Sprintf("it has %d of organization, user and product, and needs one", set))
	}
	return line
}
