package sandbox_test

import (
	"runtime/debug"
	"slices"
)

// raceDetector says whether the race detector is on. It makes the rules ten times slower and has nothing to say about
// them, so under it a few mutants must do.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}
