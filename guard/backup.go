package guard

// RecordBackup puts on record that somebody takes a copy of all that is kept, before anything of it is given.
// No rule is asked about it: it is the host's.
func (g *Guard) RecordBackup(o *Origin) error {
	return g.appendUnasked(o, "back_up", Entity{Type: "store", ID: "embedded"}, nil)
}
