package policies

import (
	"encoding/json"
	"fmt"
	"time"
)

// evaluated is an evaluation on its way from the process that made it to the one that shows it.
type evaluated struct {
	Decided   bool          `json:"decided"`
	Allowed   bool          `json:"allowed,omitempty"`
	Policy    string        `json:"policy,omitempty"`
	Said      []said        `json:"said,omitempty"`
	RestsOn   RestsOn       `json:"rests_on"`
	Input     string        `json:"input,omitempty"`
	Rules     []Fired       `json:"rules,omitempty"`
	Trace     []string      `json:"trace,omitempty"`
	Undecided string        `json:"undecided,omitempty"`
	Printed   []string      `json:"printed,omitempty"`
	Took      time.Duration `json:"took"`
}

type said struct {
	Language string   `json:"language"`
	Reasons  []Reason `json:"reasons"`
	User     string   `json:"user"`
	Admin    string   `json:"admin"`
}

// MarshalJSON writes all of an evaluation, which UnmarshalJSON reads without its policy: one that is evaluated apart is
// not compiled by whoever shows what came of it.
func (x *Evaluation) MarshalJSON() ([]byte, error) {
	out := evaluated{Undecided: x.Undecided, Printed: x.Printed, Took: x.Took}
	if x.Explanation != nil {
		out.Rules, out.Trace = x.Rules, x.Trace
		if d := x.Decision; d != nil {
			out.Decided, out.Allowed, out.Policy, out.RestsOn, out.Input = true, d.Allowed, d.Policy, d.RestsOn, string(d.InputJSON)
			for _, s := range d.said {
				out.Said = append(out.Said, said{s.language, s.reasons, s.user, s.admin})
			}
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (x *Evaluation) UnmarshalJSON(text []byte) error {
	var in evaluated
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("read evaluation: %w", err)
	}
	*x = Evaluation{Explanation: &Explanation{Rules: in.Rules, Trace: in.Trace}, Undecided: in.Undecided, Printed: in.Printed, Took: in.Took}
	if !in.Decided {
		return nil
	}
	if len(in.Said) == 0 {
		return fmt.Errorf("read evaluation: it says nothing in any language")
	}
	o := &Outcome{Allowed: in.Allowed, Policy: in.Policy, Reasons: in.Said[0].Reasons, RestsOn: in.RestsOn}
	for _, s := range in.Said {
		reasons, err := render("reasons", s.Reasons)
		if err != nil {
			return err
		}
		o.languages = append(o.languages, s.Language)
		o.said = append(o.said, speech{s.Language, s.Reasons, reasons, s.User, s.Admin})
	}
	var err error
	x.Decision = &Decision{Outcome: o, InputJSON: []byte(in.Input)}
	o.userAll, err = render("sentences", o.User())
	return err
}
