package main

import (
	"context"
	"fmt"
	"os"

	"cordon/library/sandbox"
)

// boxArgument makes this program check one policy apart, for the server that started it. Nobody types it.
const boxArgument = "policy-box"

// inBox reports whether this process is one that a server started to check a policy in, and does so.
func inBox(ctx context.Context) (is bool, code int) {
	if len(os.Args) != 2 || os.Args[1] != boxArgument {
		return false, 0
	}
	if err := sandbox.Serve(ctx, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cordon: "+err.Error())
		return true, exitError
	}
	return true, exitDone
}

// newBox gives the box that a server checks policies in.
func newBox() (*sandbox.Box, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to check policies apart: %w", err)
	}
	return &sandbox.Box{Command: []string{program, boxArgument}}, nil
}
