package main

import (
	"cordon/guard"
	"cordon/policies"
	"cordon/server"
)

// policyFigures are what the metrics say of the policy in force and how it is asked. What they count begins anew with
// each policy.
func policyFigures(inForce func() *policies.Engine) []server.Figure {
	stats := func() policies.Stats { return inForce().Stats() }
	return []server.Figure{
		{Name: "cordon_policy_info", Help: "The policy in force.", Names: []string{"digest"},
			Each: func(give func(float64, ...string)) { give(1, inForce().Digest()) }},
		{Name: "cordon_memo_hits_total", Help: "Decisions that an equal input had already been given.", Counts: true,
			Read: func() float64 { return float64(stats().Hits) }},
		{Name: "cordon_memo_misses_total", Help: "Decisions that the rules were asked for.", Counts: true,
			Read: func() float64 { return float64(stats().Misses) }},
		{Name: "cordon_policy_checks_total", Help: "Decisions that were asked again of the rules as they are written.", Counts: true,
			Read: func() float64 { return float64(stats().Checked) }},
		{Name: "cordon_policy_disagreements_total", Help: "Checked decisions that the rules did not give again: always 0.", Counts: true,
			Read: func() float64 { return float64(stats().Disagreements) }},
		{Name: "cordon_policy_flat", Help: "1 while the rules are asked in their flat form, 0 while they are asked as they are written.",
			Read: func() float64 { return oneIf(inForce().FlatOn()) }},
		{Name: "cordon_policy_memo", Help: "1 while equal questions share an answer, 0 while the rules are asked every time.",
			Read: func() float64 { return oneIf(inForce().MemoOn()) }},
	}
}

// activationFigures are what the metrics say of which policy is in force here.
func (in *instance) activationFigures() []server.Figure {
	return []server.Figure{
		{Name: "cordon_policy_activation", Help: "The number of the activation that is in force here.", Read: func() float64 {
			a, _ := in.guard.Activation()
			return float64(a.Number)
		}},
		{Name: "cordon_policy_loaded", Help: "1 while the policy that the store says is in force is so here, 0 while it cannot be loaded.", Read: func() float64 {
			_, behind := in.guard.Activation()
			return oneIf(behind == nil, "")
		}},
	}
}

// shadowFigures are what the metrics say of the version that is asked beside the one in force.
func (in *instance) shadowFigures() []server.Figure {
	read := func(of func(*guard.Shadowing) float64) func() float64 {
		return func() float64 {
			s := in.guard.Shadow()
			return of(&s)
		}
	}
	return []server.Figure{
		{Name: "cordon_shadow_asked_total", Help: "Questions that the version beside the one in force was asked, too.", Counts: true,
			Read: read(func(s *guard.Shadowing) float64 { return float64(s.Asked) })},
		{Name: "cordon_shadow_dropped_total", Help: "Questions that it was not asked, since too many waited.", Counts: true,
			Read: read(func(s *guard.Shadowing) float64 { return float64(s.Dropped) })},
		{Name: "cordon_shadow_failed_total", Help: "Questions that it gave no answer to in time.", Counts: true,
			Read: read(func(s *guard.Shadowing) float64 { return float64(s.Failed) })},
		{Name: "cordon_shadow_seconds_total", Help: "Time that asking it took.", Counts: true,
			Read: read(func(s *guard.Shadowing) float64 { return s.Seconds })},
		{Name: "cordon_shadow_differences_total", Help: "Questions that it answered otherwise, by how and by the reason that it gave.", Counts: true,
			Names: []string{"change", "reason"}, Each: func(give func(float64, ...string)) {
				s := in.guard.Shadow()
				counts := map[[2]string]int64{{guard.AllowToDeny}: 0, {guard.DenyToAllow}: 0, {guard.OtherReasons}: 0}
				for _, d := range s.Differences {
					counts[[2]string{d.Change, d.To}] += d.Count
				}
				for of, count := range counts {
					give(float64(count), of[0], of[1])
				}
			}},
	}
}

// oneIf is the figure of something that is on or off.
func oneIf(on bool, _ string) float64 {
	if on {
		return 1
	}
	return 0
}

// policyNotes tell at /readyz?verbose what makes decisions slower than they could be.
func policyNotes(engine *policies.Engine) (notes []string) {
	if on, why := engine.MemoOn(); !on {
		notes = append(notes, "answers are not memoized: "+why)
	}
	if on, why := engine.FlatOn(); !on {
		notes = append(notes, "the rules are asked as they are written: "+why)
	}
	return notes
}
