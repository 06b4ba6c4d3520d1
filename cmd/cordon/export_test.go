package main

import (
	"context"
	"io"
)

// Main is main, for scripts that run the program in a process of its own.
func Main() { main() }

// Run runs a command line in this process.
func Run(ctx context.Context, in io.Reader, out, err io.Writer, env func(string) (string, bool), args ...string) int {
	return run(ctx, args, streams{in: in, out: out, err: err, env: env})
}

// ConfigTable is what help config prints.
func ConfigTable() string { return configTable() }
