package guard_test

import (
	"fmt"
	"slices"
	"testing"

	"cordon/datastore"
	"cordon/guard"

	"pgregory.net/rapid"
)

// world is what an organization should be, kept by the test alone.
type world struct {
	roles   map[string]string
	grants  map[string][]string
	blocks  map[string]map[string]bool // product -> origins
	kinds   map[string]string
	changes int64
}

func (w *world) others(user string) (admins, representatives int) {
	for id, role := range w.roles {
		if id == user {
			continue
		}
		if datastore.IsAdmin(role) {
			admins++
		}
		if role == datastore.LegalRepresentative {
			representatives++
		}
	}
	return admins, representatives
}

// mayManage is R1-R3 and B3 in plain Go.
func (w *world) mayManage(user, product string) bool {
	role, member := w.roles[user]
	_, exists := w.kinds[product]
	if !member || !exists || len(w.blocks[product]) > 0 {
		return false
	}
	return datastore.IsAdmin(role) || slices.Contains(w.grants[user], product)
}

// TestRandomOperationsMatchTheModel runs random acts and compares what is decided, cached and not,
// and the revisions, with the model after each.
func TestRandomOperationsMatchTheModel(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		uncached := newGuard(t, store, func(c *guard.Config) { c.NoMemo, c.NoCache = true, true })
		round := 0
		rapid.Check(t, func(r *rapid.T) {
			round++
			org := fmt.Sprintf("org-%d", round)
			product := func(r *rapid.T) string { return org + rapid.SampledFrom([]string{"-p", "-q"}).Draw(r, "product") }
			user := rapid.SampledFrom([]string{"a", "b", "c"})
			boss := guard.PutMember{Name: "x", Role: datastore.LegalRepresentative}
			must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), org, guard.PutOrganization{Name: "x", LegalRepresentativeID: "a", LegalRepresentative: &boss}))
			w := &world{
				roles: map[string]string{"a": datastore.LegalRepresentative}, grants: map[string][]string{},
				blocks: map[string]map[string]bool{}, kinds: map[string]string{}, changes: 1,
			}
			r.Repeat(map[string]func(*rapid.T){
				"put member":     func(r *rapid.T) { w.putMember(t, r, g, org, user.Draw(r, "user")) },
				"remove member":  func(r *rapid.T) { w.removeMember(t, r, g, org, user.Draw(r, "user")) },
				"put product":    func(r *rapid.T) { w.putProduct(t, r, g, org, product(r)) },
				"remove product": func(r *rapid.T) { w.removeProduct(t, r, g, org, product(r)) },
				"block":          func(r *rapid.T) { w.block(t, r, g, org, user.Draw(r, "actor"), product(r)) },
				"unblock":        func(r *rapid.T) { w.unblock(t, r, g, org, user.Draw(r, "actor"), product(r)) },
				"": func(r *rapid.T) {
					for _, u := range []string{"a", "b", "c"} {
						for _, p := range []string{org + "-p", org + "-q"} {
							for name, asked := range map[string]*guard.Guard{"cached": g, "uncached": uncached} {
								if got, why := decide(t, asked, productQuestion(u, "manage", p)); got != w.mayManage(u, p) {
									r.Fatalf("%s: %s manages %s: got %v %v with %+v", name, u, p, got, why, w)
								}
							}
						}
					}
					if o := must[guard.Organization](t)(g.Organization(t.Context(), host(), org)); o.Revision != w.changes {
						r.Fatalf("got revision %d, want %d", o.Revision, w.changes)
					}
				},
			})
		})
	})
}

func (w *world) putMember(t *testing.T, r *rapid.T, g *guard.Guard, org, id string) {
	put := guard.PutMember{Name: "x", Role: rapid.SampledFrom([]string{"legal_representative", "administrator", "collaborator", "client"}).Draw(r, "role")}
	for p := range w.kinds {
		if rapid.Bool().Draw(r, "grant") {
			put.Grants = append(put.Grants, p)
		}
	}
	slices.Sort(put.Grants)
	old, member := w.roles[id]
	admins, representatives := w.others(id)
	refused := member && old != put.Role &&
		(old == datastore.LegalRepresentative && representatives == 0 || datastore.IsAdmin(old) && !datastore.IsAdmin(put.Role) && admins == 0)
	_, err := g.PutMember(t.Context(), host(), org, id, put)
	if refused {
		denied(t, err)
		return
	}
	if err != nil {
		r.Fatal(err)
	}
	if !member || old != put.Role || !slices.Equal(w.grants[id], put.Grants) {
		w.changes++
	}
	w.roles[id], w.grants[id] = put.Role, put.Grants
}

func (w *world) removeMember(t *testing.T, r *rapid.T, g *guard.Guard, org, id string) {
	_, err := g.DeleteMember(t.Context(), host(), org, id)
	old, member := w.roles[id]
	admins, representatives := w.others(id)
	switch {
	case !member:
		if err == nil {
			r.Fatal("removed nobody")
		}
	case old == datastore.LegalRepresentative && representatives == 0 || datastore.IsAdmin(old) && admins == 0:
		denied(t, err)
	case err != nil:
		r.Fatal(err)
	default:
		delete(w.roles, id)
		delete(w.grants, id)
		w.changes++
	}
}

func (w *world) putProduct(t *testing.T, r *rapid.T, g *guard.Guard, org, id string) {
	if _, err := g.PutProduct(t.Context(), host(), org, id, guard.PutProduct{Name: "x", Kind: "domain"}); err != nil {
		r.Fatal(err)
	}
	if _, exists := w.kinds[id]; !exists {
		w.changes++
		w.kinds[id] = "domain"
	}
}

func (w *world) removeProduct(t *testing.T, r *rapid.T, g *guard.Guard, org, id string) {
	_, err := g.DeleteProduct(t.Context(), host(), org, id)
	if _, exists := w.kinds[id]; !exists {
		if err == nil {
			r.Fatal("removed nothing")
		}
		return
	}
	if err != nil {
		r.Fatal(err)
	}
	w.changes++
	delete(w.kinds, id)
	delete(w.blocks, id)
	for u := range w.grants {
		w.grants[u] = slices.DeleteFunc(w.grants[u], func(p string) bool { return p == id })
	}
}

func (w *world) block(t *testing.T, r *rapid.T, g *guard.Guard, org, actor, id string) {
	_, err := g.BlockProduct(t.Context(), as(actor), org, id, reason("x"))
	_, exists := w.kinds[id]
	switch {
	case !exists, !datastore.IsAdmin(w.roles[actor]), len(w.blocks[id]) > 0:
		if err == nil {
			r.Fatalf("%s blocked %s with %+v", actor, id, w)
		}
	case err != nil:
		r.Fatal(err)
	default:
		w.blocks[id] = map[string]bool{"administrator": true}
		w.changes++
	}
}

func (w *world) unblock(t *testing.T, r *rapid.T, g *guard.Guard, org, actor, id string) {
	_, err := g.UnblockProduct(t.Context(), as(actor), org, id, reason(""))
	switch {
	case len(w.blocks[id]) == 0, !datastore.IsAdmin(w.roles[actor]):
		if err == nil {
			r.Fatalf("%s unblocked %s with %+v", actor, id, w)
		}
	case err != nil:
		r.Fatal(err)
	default:
		delete(w.blocks, id)
		w.changes++
	}
}
