package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// keyring makes, lists and revokes API keys: through a server, or in a store of a stopped one.
type keyring interface {
	CreateKey(context.Context, client.KeyRequest) (client.NewKey, error)
	Keys(context.Context) iter.Seq2[client.Key, error]
	RevokeKey(ctx context.Context, id string) error
}

// keys makes, lists and revokes API keys.
func (a *app) keys() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make, list and revoke API keys",
		Long: `Make, list and revoke API keys: with --data or --mongodb-uri in the store itself, which is how the
first key is made (an embedded store only while its server is stopped), otherwise through the server,
with a key of the scope admin.`,
		Example: `  cordon keys create --name shop --scopes decide --organization acme --expires-in 90d
  cordon keys list`,
	}
	where := slices.Concat(asking, []string{"data", "mongodb-uri", "mongodb-password-file"})
	cmd.AddCommand(
		a.make(command{
			use:   "create --name NAME --scopes SCOPE,...",
			short: "Make a key and print it, once",
			long: `Make a key and print it, alone, on standard output. It is not shown again.

Scopes: decide (ask for decisions), directory (read and provision organizations, users, products),
act (act for the user named by --as), support (act for a support agent), audit (read the decision
log), policy (edit policies), admin (make and revoke keys); or all. Through a server a key makes no key
with a scope that it lacks, nor one that ends later than itself, so the first one needs every scope that
others are to have.`,
			example: `  cordon keys create --name first --scopes all --data ./cordon-data
  cordon keys create --name shop --scopes decide --organization acme --expires-in 90d`,
			settings: append(slices.Clone(where), "name", "scopes", "organization", "expires-in"),
			required: []string{"name"},
			formats:  []string{"table", "json"},
			run:      a.createKey,
		}),
		a.make(command{
			use:      "list",
			short:    "List the keys, without their secrets",
			example:  `  cordon keys list -o json`,
			long:     `List the keys: who made them, and when they were last used, which may be a minute behind.`,
			settings: where,
			formats:  []string{"table", "json"},
			run:      a.listKeys,
		}),
		a.make(command{
			use:   "revoke ID",
			short: "Make a key worthless",
			long: `Make a key worthless. The last key in force that may make keys for all organizations (scope admin, no
--organization) is not revoked; make another one first.`,
			example:  `  cordon keys revoke 7ttyrjw4yjlp`,
			args:     exactly(1),
			ids:      []string{argKey},
			settings: where,
			run:      a.revokeKey,
		}),
	)
	a.needCommand(cmd)
	return cmd
}

// keyring gives the keys that the settings name. A store is meant when it is typed, or when it is
// configured and no key of a server is. One that is not there is made for the first key alone.
func (a *app) keyring(ctx context.Context, c config, first bool) (keyring, func() error, error) {
	keyed := c.given("key") || c.given("key-file")
	stored := c.given("data") || c.given("mongodb-uri")
	if c.typed("data") || c.typed("mongodb-uri") || (stored && !keyed) {
		if _, err := os.Stat(c.text("data")); !first && c.text("mongodb-uri") == "" && errors.Is(err, fs.ErrNotExist) {
			return nil, nil, wrongUse("there is no %s; --data is the folder of a server that is stopped", c.text("data"))
		}
		return a.openKeys(ctx, c)
	}
	remote, err := a.remote(c)
	return remote, func() error { return nil }, err
}

func (a *app) createKey(ctx context.Context, c config, _ []string) (err error) {
	request := client.KeyRequest{Name: c.text("name"), Organization: c.text("organization")}
	scopes := c.list("scopes")
	if slices.Equal(scopes, []string{"all"}) {
		scopes = client.Scopes()
	}
	for _, s := range scopes {
		if s = strings.TrimSpace(s); !slices.Contains(client.Scopes(), s) {
			return wrongUse("there is no scope %q; the scopes are %s", s, strings.Join(client.Scopes(), ", "))
		}
		if !slices.Contains(request.Scopes, s) {
			request.Scopes = append(request.Scopes, s)
		}
	}
	if len(request.Scopes) == 0 {
		return wrongUse("a key without scopes may do nothing: give it --scopes, of %s", strings.Join(client.Scopes(), ", "))
	}
	if request.ExpiresAt, err = c.end(time.Now()); err != nil {
		return err
	}
	ring, done, err := a.keyring(ctx, c, true)
	if err != nil {
		return err
	}
	key, err := ring.CreateKey(ctx, request)
	if err := firstOf(a.failed(c, err), done()); err != nil {
		return err
	}
	if c.text("output") == "json" {
		return a.printJSON(key)
	}
	fmt.Fprintf(a.err, "key %s is made; this is the only time that it is shown\n", plain(key.ID))
	if _, err := fmt.Fprintln(a.out, key.Key); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func (a *app) listKeys(ctx context.Context, c config, _ []string) error {
	ring, done, err := a.keyring(ctx, c, false)
	if err != nil {
		return err
	}
	keys, err := collect(ring.Keys(ctx), 0)
	if err := firstOf(a.failed(c, err), done()); err != nil {
		return err
	}
	if c.text("output") == "json" {
		return a.printJSON(keys)
	}
	t := a.table("ID", "NAME", "SCOPES", "ORGANIZATION", "CREATED", "BY", "EXPIRES", "LAST USED")
	for _, k := range keys {
		t.row(k.ID, k.Name, strings.Join(k.Scopes, ","), k.Organization, when(k.CreatedAt), k.CreatedBy, when(k.ExpiresAt), when(k.LastUsedAt))
	}
	return t.end()
}

func (a *app) revokeKey(ctx context.Context, c config, args []string) error {
	ring, done, err := a.keyring(ctx, c, false)
	if err != nil {
		return err
	}
	err = ring.RevokeKey(ctx, args[0])
	if err := firstOf(a.failed(c, err), done()); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(a.out, "key %s is revoked\n", plain(args[0])); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// collect gives the items of a list, at most limit of them unless that is 0.
func collect[T any](items iter.Seq2[T, error], limit int) ([]T, error) {
	all := []T{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		if all = append(all, item); len(all) == limit {
			break
		}
	}
	return all, nil
}

// firstOf gives the first error that is one.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
