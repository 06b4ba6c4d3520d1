package main

import (
	"context"
	"os"
	"syscall"
	"testing"
)

// A second signal ends the server at once, whenever it comes.
func TestNoSecondSignalIsSwallowed(t *testing.T) { // docs/design.md 9
	type times struct{ before, meanwhile, after, ended int } // how many come when the first is looked at
	for name, test := range map[string]times{
		"one":                             {before: 1},
		"two before the first is seen":    {before: 2, ended: 1},
		"while the signals are let go of": {before: 1, meanwhile: 1, ended: 1},
		"when the server is seen to stop": {before: 1, after: 1, ended: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stopSignals{came: make(chan os.Signal, 2)}
			held, ended := true, 0 // whether what comes is held back, and how often the server was ended
			send := func(n int) {
				for range n {
					if held {
						s.came <- syscall.SIGTERM
					} else {
						ended++
					}
				}
			}
			var stopping context.Context
			begun := make(chan struct{})
			s.letGo = func() {
				<-begun
				if stopping.Err() != nil {
					t.Error("it is seen to stop while a signal would be swallowed")
				}
				send(test.meanwhile)
				held = false
			}
			s.raise = func(os.Signal) { send(1) }
			send(test.before)
			var end context.CancelFunc
			stopping, end = s.context(t.Context())
			defer end()
			close(begun)
			<-stopping.Done()
			send(test.after)
			if ended != test.ended {
				t.Errorf("it was ended %d times, want %d", ended, test.ended)
			}
		})
	}
}

// Without a signal they are let go of when the server ended.
func TestSignalsAreLetGoOf(t *testing.T) {
	gone := make(chan struct{})
	s := &stopSignals{came: make(chan os.Signal, 2), letGo: func() { close(gone) }}
	_, end := s.context(t.Context())
	end()
	<-gone
}
