package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

func (a *app) serve() *cobra.Command {
	return a.make(command{use: "serve", short: "Run the server", run: func(context.Context, config, []string) error { return errors.New("not yet") }})
}

func (a *app) openKeys(ctx context.Context, c config) (keyring, func() error, error) {
	return nil, nil, errors.New("not yet")
}
