package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"
)

// Followed is a record of a stream, with the cursor behind it.
type Followed struct {
	Record Record
	Cursor string // with which [Client.FollowRecords] goes on behind the record
}

// longestEvent bounds a line of a stream: a record has a megabyte at most.
const longestEvent = 2 << 20

// silence is after how long without anything a stream is taken for broken: the server says something every 15 seconds.
const silence = 45 * time.Second

// FollowRecords gives the records that the filter selects as they come, from now on, or from the filter's From. With the
// cursor of a record it goes on behind that. Where the stream ends or breaks it comes again by itself, and misses
// nothing; it ends with the error that ctx has, or with one that coming again does not help, such as a key that was
// revoked. What was begun with a From and breaks before the first record begins there again.
func (c *Client) FollowRecords(ctx context.Context, filter RecordFilter, cursor string) iter.Seq2[Followed, error] {
	return func(yield func(Followed, error) bool) {
		for failures := 0; ; failures++ {
			before := cursor
			again, err := c.followOnce(ctx, filter, &cursor, yield)
			switch {
			case !again:
				return
			case ctx.Err() != nil:
				yield(Followed{}, ctx.Err())
				return
			case err != nil && !errors.Is(err, ErrUnavailable):
				yield(Followed{}, fmt.Errorf("follow records: %w", err))
				return
			case cursor != before:
				failures = 0
			}
			wait := time.NewTimer(c.backOff(failures + 1))
			select {
			case <-wait.C:
			case <-ctx.Done():
				wait.Stop()
			}
		}
	}
}

// followOnce reads one stream. It reports whether another is to follow.
func (c *Client) followOnce(ctx context.Context, filter RecordFilter, cursor *string, yield func(Followed, error) bool) (again bool, _ error) {
	target, err := c.target(call{path: []string{"v1", "decisions", "stream"}, query: filter.query()})
	if err != nil {
		return true, err
	}
	header := c.header()
	header.Set("Accept", "text/event-stream")
	if *cursor != "" {
		header.Set("Last-Event-ID", *cursor)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(silence, cancel)
	defer watch.Stop()
	res, err := c.send(ctx, http.MethodGet, target, header, nil)
	if err != nil {
		return true, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 16<<10), longestEvent)
	id, data := "", []byte(nil)
	for lines.Scan() {
		watch.Reset(silence)
		line := lines.Bytes()
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0:
			if id != "" {
				*cursor = id
			}
			if data != nil {
				followed := Followed{Cursor: *cursor}
				if err := json.Unmarshal(data, &followed.Record); err != nil {
					return true, fmt.Errorf("read an event: %w", err)
				}
				watch.Stop() // the caller may take its time
				if !yield(followed, nil) {
					return false, nil
				}
				watch.Reset(silence)
			}
			id, data = "", nil
		case string(name) == "id" && !strings.ContainsRune(string(value), 0):
			id = string(value)
		case string(name) == "data":
			data = append(data, value...)
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return true, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return true, nil
}
