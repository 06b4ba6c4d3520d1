package retention

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Time is how long something is kept: years and days of the calendar, or for ever, which is the zero value.
type Time struct{ years, days int }

// longest is how many years a time may have. Whoever means more means for ever.
const longest = 100

const forever = "forever"

// ErrTime is wrapped by what is wrong with a time.
var ErrTime = errors.New(`must be a whole number of days or years, from 1d to 100y, such as "400d" or "10y", or "forever"`)

// ParseTime reads a time as it is written: "400d", "10y" or "forever".
func ParseTime(text string) (Time, error) {
	if text == forever {
		return Time{}, nil
	}
	for unit, days := range map[string]int{"d": 1, "y": 366} {
		digits, is := strings.CutSuffix(text, unit)
		if !is || digits == "" || digits[0] < '1' || digits[0] > '9' {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || n*uint64(days) > longest*366 {
			break
		}
		if unit == "y" {
			return Time{years: int(n)}, nil
		}
		return Time{days: int(n)}, nil
	}
	return Time{}, fmt.Errorf("%q: %w", text, ErrTime)
}

// before returns when what has been kept for the time by now came to its end; the zero time of what is kept for ever.
func (t Time) before(now time.Time) time.Time {
	if t.Forever() {
		return time.Time{}
	}
	return now.AddDate(-t.years, 0, -t.days)
}

// Forever reports whether it never ends.
func (t Time) Forever() bool { return t == Time{} }

func (t Time) String() string {
	switch {
	case t.years > 0:
		return strconv.Itoa(t.years) + "y"
	case t.days > 0:
		return strconv.Itoa(t.days) + "d"
	}
	return forever
}

// MarshalText writes a time as it is read.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a time.
func (t *Time) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTime(string(text))
	return err
}
