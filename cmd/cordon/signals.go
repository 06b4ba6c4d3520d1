package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// stopSignals are those that ask the server to stop. Each is counted: the first has it stop in order, and the next ends it at
// once, whenever it comes.
type stopSignals struct {
	came  chan os.Signal // has room for two
	letGo func()         // from its return on nothing comes any more
	raise func(os.Signal)
}

// newStopSignals asks the system for them: from here on they end nothing by themselves.
func newStopSignals() *stopSignals {
	came := make(chan os.Signal, 2)
	signal.Notify(came, syscall.SIGINT, syscall.SIGTERM)
	return &stopSignals{came, func() { signal.Stop(came) }, func(again os.Signal) {
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Signal(again)
		}
	}}
}

// context ends with the first of them, and not before they are let go of: whoever sees that the server is stopping, and asks
// again, ends it. One that came between the first and that is raised again, for nobody else would see it.
func (s *stopSignals) context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	go func() {
		defer end()
		select {
		case <-s.came:
		case <-ctx.Done():
		}
		s.letGo()
		select {
		case again := <-s.came:
			s.raise(again)
		default:
		}
	}()
	return ctx, end
}
