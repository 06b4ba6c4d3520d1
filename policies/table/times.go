package table

import (
	"fmt"
	"slices"
	"time"

	"cordon/policies"
)

// times are the times that policies can tell apart. One that only compares the time with constants answers the same
// between two of them, so that one time stands for all up to the next.
type times struct {
	hours, minutes, counted bool
	bounds                  []int
	days                    []string
	looked                  looked
}

var week = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// add joins what a policy looks at.
func (t *times) add(e *policies.Engine, s said) {
	at := e.Time(time.Unix(0, 0))
	if at == nil {
		return
	}
	t.hours, t.minutes = true, t.minutes || at.Minute != nil
	t.counted = t.counted || s.counted
	for _, n := range s.numbers {
		t.bounds = append(t.bounds, n, n+1)
	}
	t.days, t.looked = union(t.days, s.days), t.looked.and(s.time)
}

// steps returns the values under an end that can be told apart.
func (t *times) steps(end int) []int {
	steps := []int{0}
	for n := 1; n < end; n++ {
		if t.counted || slices.Contains(t.bounds, n) {
			steps = append(steps, n)
		}
	}
	return steps
}

// facts returns those of the time; none where no policy looks at it when the action is asked about.
func (t *times) facts(action string) []fact {
	if !t.hours || !t.looked.at(action) {
		return nil
	}
	days := week
	if !t.counted {
		days = slices.DeleteFunc(slices.Clone(week), func(day string) bool { return !slices.Contains(t.days, day) })
		if other := slices.IndexFunc(week, func(day string) bool { return !slices.Contains(days, day) }); other >= 0 {
			days = append([]string{week[other]}, days...)
		}
	}
	words := slices.Clone(days)
	if len(days) < len(week) {
		words[0] = "any other day"
	}
	hours := t.steps(24)
	list := []fact{
		{name: "weekday", values: plainly(words...), set: func(in *policies.Input, v int) bool {
			in.Time = &policies.Time{Weekday: days[v]}
			return true
		}},
		{name: "hour", values: plainly(spans("at %d h", "from %d to %d h", hours, 24)...), set: func(in *policies.Input, v int) bool {
			in.Time.Hour = hours[v]
			return true
		}},
	}
	if t.minutes {
		minutes := t.steps(60)
		list = append(list, fact{name: "minute", values: plainly(spans("at minute %d", "from minute %d to %d", minutes, 60)...), set: func(in *policies.Input, v int) bool {
			in.Time.Minute = &minutes[v]
			return true
		}})
	}
	return list
}

// spans says what each step stands for.
func spans(one, many string, steps []int, end int) []string {
	words := make([]string, len(steps))
	for i, from := range steps {
		to := end - 1
		if i+1 < len(steps) {
			to = steps[i+1] - 1
		}
		if words[i] = fmt.Sprintf(many, from, to); from == to {
			words[i] = fmt.Sprintf(one, from)
		}
	}
	return words
}
