//go:build linux

package sandbox

// StandBack is what a process does before it checks, and Behind where it stands then.
func StandBack() { standBack() }

const Behind = behind
