package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"cordon/policies"
)

// masked stands for a value that a reader of the log may not see. That there is one stays to be seen.
const masked = "***"

// view is what a reader of the log sees of what concerns persons (docs/design.md 7). Whatever gives records to a
// reader asks for it ([Origin.view]) and shows none that has not gone through [view.mask].
type view struct {
	addresses      bool // names and e-mail addresses of users, in the values of changes
	justifications bool // why support blocked or secured a user, in the words of whoever asked
	properties     bool // what a request said beyond what the rules look at
}

// view returns what a reader sees. An auditor of all organizations sees all, and so does an acting user, who is only
// shown organizations where view_decisions is allowed them. Of a key that is limited to one organization those see
// addresses who may read them in the directory, and the rest is not theirs.
func (o *Origin) view() view {
	if o.Caller.Organization == "" || o.Actor != "" {
		return view{addresses: true, justifications: true, properties: true}
	}
	return view{addresses: o.Caller.May(ScopeDirectory)}
}

// whole reports whether nothing is hidden.
func (v view) whole() bool {
	return v == view{addresses: true, justifications: true, properties: true}
}

// mask hides what the reader may not see. A part of a record that cannot be read, so that nobody knows what it would
// show, is hidden whole; the rest of the record is shown.
func (v view) mask(r *Record) {
	if v.whole() {
		return
	}
	r.Details = hide(r.Details, v.maskDetails)
	if !v.properties {
		r.Input = hide(r.Input, maskInput)
	}
}

// hide masks a part of a record, or all of it where that fails.
func hide(part json.RawMessage, mask func(part json.RawMessage) (json.RawMessage, error)) json.RawMessage {
	if len(part) == 0 {
		return part
	}
	shown, err := mask(part)
	if err != nil {
		return json.RawMessage(`{"masked":"` + masked + `"}`)
	}
	return shown
}

// maskDetails hides justifications, and the values of a change that are a person's name or address.
func (v view) maskDetails(part json.RawMessage) (json.RawMessage, error) {
	var details map[string]json.RawMessage
	if err := json.Unmarshal(part, &details); err != nil {
		return nil, fmt.Errorf("read details: %w", err)
	}
	if text, there := details["justification"]; there && !v.justifications {
		details["justification"] = hidden(text)
	}
	if event, there := details["opa"]; there && !v.properties {
		shown, err := maskEvent(event)
		if err != nil {
			return nil, err
		}
		details["opa"] = shown
	}
	if part, there := details["changes"]; there {
		var changes []Changed
		if err := json.Unmarshal(part, &changes); err != nil {
			return nil, fmt.Errorf("read changes: %w", err)
		}
		for _, c := range changes {
			for name, value := range c.Set {
				if !v.addresses && c.Noun == "user" && (name == "name" || name == "email") {
					c.Set[name] = FromTo{From: hidden(value.From), To: hidden(value.To)}
				}
			}
		}
		shown, err := json.Marshal(changes)
		if err != nil {
			return nil, fmt.Errorf("write changes: %w", err)
		}
		details["changes"] = shown
	}
	return json.Marshal(details)
}

// maskEvent hides what an agent says of a request, and of its answer: all but which decision it was, of which agent and
// by which policy.
func maskEvent(part json.RawMessage) (json.RawMessage, error) {
	var event map[string]json.RawMessage
	if err := json.Unmarshal(part, &event); err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	for name, value := range event {
		switch name {
		case "decision_id", "batch_decision_id", "trace_id", "span_id", "timestamp", "labels", "path", "bundles", "revision", "metrics":
		default:
			event[name] = hidden(value)
		}
	}
	return json.Marshal(event)
}

// maskInput hides the sections of an input that have more than the rules' own input can have. Everything else is
// roles, kinds and states, and shown.
func maskInput(part json.RawMessage) (json.RawMessage, error) {
	if knownInput(part) {
		return part, nil
	}
	var sections map[string]json.RawMessage
	if err := json.Unmarshal(part, &sections); err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	if sections == nil {
		return nil, errors.New("read input: it is no object")
	}
	for name, section := range sections {
		alone, err := json.Marshal(map[string]json.RawMessage{name: section})
		if err != nil {
			return nil, fmt.Errorf("read input: %w", err)
		}
		if !knownInput(alone) {
			sections[name] = hidden(section)
		}
	}
	return json.Marshal(sections)
}

func knownInput(part json.RawMessage) bool {
	d := json.NewDecoder(bytes.NewReader(part))
	d.DisallowUnknownFields()
	return d.Decode(new(policies.Input)) == nil
}

func hidden(value json.RawMessage) json.RawMessage {
	if len(value) == 0 {
		return nil
	}
	return json.RawMessage(`"` + masked + `"`)
}
