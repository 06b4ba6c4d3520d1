package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"cordon.example/client"
	"cordon/guard"
)

// devKey is the name of the keys that serve --dev makes.
const devKey = "serve --dev"

// prepareDev loads the demo organization into an empty store and makes the key of this run. Keys of
// earlier runs end here.
func (in *instance) prepareDev(ctx context.Context) (client.NewKey, error) {
	some, _, err := in.guard.Organizations(ctx, in.origin, guard.Page{Limit: 1})
	if err != nil {
		return client.NewKey{}, fmt.Errorf("look for organizations: %w", err)
	}
	if len(some) == 0 {
		report, err := in.guard.Import(ctx, in.origin, guardLines(demoOrganization()))
		if err == nil && len(report.Refused) > 0 {
			err = &report.Refused[0]
		}
		if err != nil {
			return client.NewKey{}, fmt.Errorf("load the demo organization: %w", err)
		}
	}
	key, err := localKeys{in}.CreateKey(ctx, client.KeyRequest{Name: devKey, Scopes: client.Scopes()})
	if err != nil {
		return client.NewKey{}, fmt.Errorf("make a key: %w", err)
	}
	return key, in.endDevKeys(ctx, key.ID)
}

// endDevKeys revokes the keys of runs with --dev, but for one, so that a key that was printed on a
// screen opens nothing later. The last key that may make others stays here as everywhere.
func (in *instance) endDevKeys(ctx context.Context, except string) error {
	ring := localKeys{in}
	for key, err := range ring.Keys(ctx) {
		if err != nil {
			return fmt.Errorf("list keys: %w", err)
		}
		if key.Name != devKey || key.ID == except {
			continue
		}
		err := ring.RevokeKey(ctx, key.ID)
		if _, last := errors.AsType[*guard.Conflict](err); last {
			in.log.Warn("a key that serve --dev has printed stays: it is the last that may make others", "key", key.ID)
		} else if err != nil {
			return fmt.Errorf("revoke a key of serve --dev: %w", err)
		}
	}
	return nil
}

// endDev revokes the key of this run, unless it is the last that may make others: then the next start
// revokes it, once it has another. It may be called when the program is told to stop already.
func (in *instance) endDev(key client.NewKey) {
	err := localKeys{in}.RevokeKey(context.Background(), key.ID)
	if _, last := errors.AsType[*guard.Conflict](err); last {
		in.log.Info("the key of this run stays until the next: it is the last that may make others", "key", key.ID)
	} else if err != nil {
		in.log.Warn("the key of this run is not revoked", "error", err)
	}
}

// guardLines turns lines of an import into what the guard takes.
func guardLines(lines iter.Seq[client.ImportLine]) iter.Seq2[guard.ImportLine, error] {
	return func(yield func(guard.ImportLine, error) bool) {
		n := 0
		for line := range lines {
			n++
			if !yield(guardLine(n, line), nil) {
				return
			}
		}
	}
}

func guardLine(n int, line client.ImportLine) guard.ImportLine {
	switch {
	case line.Organization != nil:
		o := line.Organization
		r := o.LegalRepresentative
		return guard.ImportLine{Line: n, ID: o.ID, Organization: &guard.PutOrganization{
			Name: o.Name, LegalRepresentativeID: r.ID,
			LegalRepresentative: &guard.PutMember{Name: r.Name, Email: r.Email, Language: r.Language, ProductEvents: true},
		}}
	case line.User != nil:
		u := line.User
		return guard.ImportLine{Line: n, ID: u.ID, In: u.Organization, Member: &guard.PutMember{
			Name: u.Name, Email: u.Email, Language: u.Language, Role: u.Role, Grants: u.Grants, ProductEvents: true,
		}}
	default:
		p := line.Product
		return guard.ImportLine{Line: n, ID: p.ID, In: p.Organization, Product: &guard.PutProduct{Name: p.Name, Kind: p.Kind}}
	}
}

// devLines is what serve --dev prints to try it with. The lines work as they are, as often as one
// likes.
func devLines(url, key string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CORDON_KEY=%s\n\n", key)
	fmt.Fprintf(&b, "# may carol, a collaborator of acme, manage the product web-1?\n")
	fmt.Fprintf(&b, `curl -sS -w '\n' %s/access/v1/evaluation -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' `+
		`-d '{"subject":{"type":"user","id":"carol"},"action":{"name":"manage"},"resource":{"type":"product","id":"web-1"}}'`+"\n", url, key)
	fmt.Fprintf(&b, "# what does acme have, and what of it is blocked?\n")
	fmt.Fprintf(&b, `curl -sS -w '\n' %s/v1/organizations/acme/products -H 'Authorization: Bearer %s'`+"\n", url, key)
	return b.String()
}
