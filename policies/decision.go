package policies

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Decision is an answer. It is immutable and shared between callers: nobody changes one, nor what it points to.
type Decision struct {
	*Outcome
	// InputJSON is the input in JSON: members in the order of the type, nothing escaped that need not be. A decision
	// that no rule was asked for has none.
	InputJSON []byte
}

// Outcome is what all decisions of one policy with the same reasons have in common. It is rendered once, in every
// language, and shared: however many inputs are remembered, its sentences are kept once.
type Outcome struct {
	Allowed bool
	// Policy is the digest of the policy that decided.
	Policy string
	// Reasons are all that hold, the decisive first; of an allow, the one that allowed it. There is always one. Their
	// messages are in English; see ReasonsIn.
	Reasons []Reason
	// RestsOn names the facts that the reasons rest on, as their rules say; who explains the decision looks whether they
	// are there.
	RestsOn RestsOn

	languages []string
	said      []speech // by language, English first
	userAll   []byte   // what User returns, in JSON
}

// RestsOn names what can be pointed at to explain a decision.
type RestsOn struct {
	SubjectBlocks  bool // the blocks of who asks
	ResourceBlocks bool // the blocks of what is asked about
	Maintenance    bool // its maintenance
}

// Reason is why: a stable code and a sentence for the person concerned.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// speech is an outcome in one language.
type speech struct {
	language    string
	reasons     []Reason
	json        []byte // of reasons
	user, admin string // the sentences for each reader, joined
}

// in finds the speech in a language; English where the policy does not speak it.
func (o *Outcome) in(language string) *speech {
	for i := range o.said {
		if o.said[i].language == language {
			return &o.said[i]
		}
	}
	return &o.said[0]
}

// Languages returns those that the decision can be told in, English first. Nobody writes to what it returns.
func (o *Outcome) Languages() []string { return o.languages }

// ReasonsIn returns the reasons with their messages in a language, in English where the policy does not speak it.
func (o *Outcome) ReasonsIn(language string) []Reason { return o.in(language).reasons }

// ReasonsJSON returns the JSON array of ReasonsIn. It allocates nothing; nobody writes to what it returns.
func (o *Outcome) ReasonsJSON(language string) []byte { return o.in(language).json }

// User returns the sentences for the person concerned, joined, by language.
func (o *Outcome) User() map[string]string {
	return o.sentences(func(s *speech) string { return s.user })
}

// UserJSON returns the JSON object of User. It allocates nothing; nobody writes to what it returns.
func (o *Outcome) UserJSON() []byte { return o.userAll }

// Admin returns the sentences for an administrator, joined, by language.
func (o *Outcome) Admin() map[string]string {
	return o.sentences(func(s *speech) string { return s.admin })
}

func (o *Outcome) sentences(of func(*speech) string) map[string]string {
	out := make(map[string]string, len(o.said))
	for i := range o.said {
		out[o.said[i].language] = of(&o.said[i])
	}
	return out
}

// outcomes are those that an engine has given so far.
type outcomes struct {
	mu    sync.Mutex
	known map[string]*Outcome // by verdict and codes
}

// mostOutcomes bounds what is kept of them: the built-in rules come to some two hundred.
const mostOutcomes = 4096

// outcome returns the one outcome with a verdict and its reasons, which are in the order of their ranks.
func (e *Engine) outcome(allowed bool, codes []string) (*Outcome, error) {
	key := fmt.Sprint(allowed, codes)
	e.outcomes.mu.Lock()
	defer e.outcomes.mu.Unlock()
	if o, ok := e.outcomes.known[key]; ok {
		return o, nil
	}
	o, err := e.render(allowed, codes)
	if err == nil && len(e.outcomes.known) < mostOutcomes {
		e.outcomes.known[key] = o
	}
	return o, err
}

func (e *Engine) render(allowed bool, codes []string) (_ *Outcome, err error) {
	o := &Outcome{Allowed: allowed, Policy: e.digest, languages: e.languages, said: make([]speech, len(e.languages))}
	for i, language := range e.languages {
		s := speech{language: language, reasons: make([]Reason, len(codes))}
		var user, admin []string
		for j, code := range codes {
			s.reasons[j].Code = code
			if r := e.rules[code]; r != nil {
				s.reasons[j].Message = r.Person[language]
				user, admin = append(user, r.Person[language]), append(admin, r.Administrator[language])
			}
		}
		s.user, s.admin = strings.Join(user, " "), strings.Join(admin, " ")
		if s.json, err = render("reasons", s.reasons); err != nil {
			return nil, err
		}
		o.said[i] = s
	}
	o.Reasons = o.said[0].reasons
	for _, code := range codes {
		if r := e.rules[code]; r != nil {
			o.RestsOn.SubjectBlocks = o.RestsOn.SubjectBlocks || slices.Contains(r.RestsOn, restsOnSubjectBlocks)
			o.RestsOn.ResourceBlocks = o.RestsOn.ResourceBlocks || slices.Contains(r.RestsOn, restsOnResourceBlocks)
			o.RestsOn.Maintenance = o.RestsOn.Maintenance || slices.Contains(r.RestsOn, restsOnMaintenance)
		}
	}
	o.userAll, err = render("sentences", o.User())
	return o, err
}

// Unasked returns the decision of an act that no rule is asked about, allowed in the name of one that grants.
func (e *Engine) Unasked(code string) (*Decision, error) {
	o, err := e.outcome(true, []string{code})
	if err != nil {
		return nil, err
	}
	return &Decision{Outcome: o}, nil
}

// render returns the JSON of a part of a decision, nothing escaped that need not be.
func render(what string, part any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(part); err != nil {
		return nil, fmt.Errorf("render %s: %w", what, err)
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
