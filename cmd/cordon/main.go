// Command cordon answers how it is run: as the authorization server, and as the command line that talks to it.
//
// Every command is in the file of its name. The table of all settings is in config.go, and
// wiring.go is the one place where the rooms of the server are put together.
package main

import (
	"context"
	"os"
)

// version is set by the linker in a release (-X main.version=1.2.3).
var version = "dev"

func main() {
	if is, code := inBox(context.Background()); is {
		os.Exit(code)
	}
	os.Exit(run(context.Background(), os.Args[1:], streams{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv,
	}))
}
