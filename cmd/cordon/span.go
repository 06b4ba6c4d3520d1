package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// span reads how long something lasts: a Go duration, or days as in 30d.
func span(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36_500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no span of time; write it as 90m, 36h or 30d", text)
	}
	return d, nil
}

// end gives the time at which something that begins now ends by --expires-in; zero without it.
func (c config) end(now time.Time) (time.Time, error) {
	text := c.text("expires-in")
	if text == "" {
		return time.Time{}, nil
	}
	d, err := span(text)
	if err == nil && d == 0 {
		err = fmt.Errorf("%q is over at once", text)
	}
	if err != nil {
		return time.Time{}, wrongUse("--expires-in: %w", err)
	}
	return now.Add(d).UTC().Truncate(time.Second), nil
}

// moment reads a time, or how long ago it was; zero where it is not given.
func (c config) moment(name string, now time.Time) (time.Time, error) {
	text := c.text(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := momentOf(text, now)
	if err != nil {
		return t, wrongUse("--%s: %w", name, err)
	}
	return t, nil
}

// momentOf reads a time, or how long before now it was.
func momentOf(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	d, err := span(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time; write it as 2026-01-31T12:00:00Z, 2026-01-31, or how long ago, such as 2h or 7d", text)
	}
	return now.Add(-d).UTC(), nil
}
