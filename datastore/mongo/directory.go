package mongo

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// entry is a document of the directory: an organization, or what is left of one, a user of one (the membership, the blocks, or
// both, since blocks survive a membership), a product, or the activation of a policy set.
type entry struct {
	ID           string                  `bson:"_id"`
	Kind         string                  `bson:"kind"`
	Organization string                  `bson:"organization"` // empty of an activation
	Tx           bson.ObjectID           `bson:"tx"`           // who wrote it last; see [tx.id]
	Account      *datastore.Organization `bson:"account,omitempty"`
	Ended        int64                   `bson:"ended,omitempty"` // instead of an account: the last revision of a deleted one
	Stamp        string                  `bson:"stamp,omitempty"` // of an account or its end, or of an activation: see [stampOf]
	User         string                  `bson:"user,omitempty"`
	Member       *datastore.Member       `bson:"member,omitempty"`
	AdminOf      string                  `bson:"admin_of,omitempty"` // the organization, of an admin
	Blocks       []datastore.Block       `bson:"blocks,omitempty"`   // of a user
	Product      *datastore.Product      `bson:"product,omitempty"`
	Activation   *datastore.Activation   `bson:"activation,omitempty"`
	DueAt        time.Time               `bson:"due_at,omitempty"` // the first end of a block or a maintenance
}

// membership gives an entry's member with the blocks, nil where there is only the latter.
func (e *entry) membership() *datastore.Member {
	if e.Member == nil {
		return nil
	}
	m := *e.Member
	m.Blocks = slices.Clone(e.Blocks)
	return &m
}

// Facts is one find, or the same find twice. A transaction takes at least two round trips, and on MongoDB
// it waits at its end until a majority holds whatever was written before it, the log for instance.
//
// On MongoDB the read concern "snapshot" pins a find to one point in time. Where a server looks
// documents up one by one instead, what they say of their writing tells whether the find came in
// between; see [reader.entries]. Revisions alone would not do: what ends by the clock is put without one.
func (r reader) Facts(ctx context.Context, key datastore.Key) (datastore.Facts, error) {
	if key.Organization != "" {
		return r.facts(ctx, key)
	}
	// The product tells the organization. It may be deleted and made anew elsewhere before the facts
	// are read, and then does not belong to them.
	for {
		e, err := one[entry](ctx, r, "read facts", directory, productKey(key.Product))
		if errors.Is(err, datastore.ErrNotFound) && key.Set != "" {
			return r.activationAlone(ctx, key.Set)
		}
		if err != nil {
			return datastore.Facts{}, err
		}
		key.Organization = e.Organization
		facts, err := r.facts(ctx, key)
		if err != nil {
			return datastore.Facts{}, err
		}
		if facts.Product != nil {
			return facts, nil
		}
	}
}

// activationAlone gives the facts of a key that names nothing that is there, with ErrNotFound.
func (r reader) activationAlone(ctx context.Context, set string) (facts datastore.Facts, err error) {
	e, err := one[entry](ctx, r, "read facts", directory, activationKey(set))
	if err != nil && !errors.Is(err, datastore.ErrNotFound) {
		return datastore.Facts{}, err
	}
	if err == nil {
		facts.Activation = *e.Activation
	}
	return facts, datastore.ErrNotFound
}

func (r reader) facts(ctx context.Context, key datastore.Key) (facts datastore.Facts, err error) {
	if err := r.begin(ctx, key.Organization); err != nil {
		return datastore.Facts{}, err
	}
	entries, err := r.entries(ctx, key)
	if err != nil {
		return datastore.Facts{}, err
	}
	found := false
	for _, e := range entries {
		switch e.Kind {
		case organizationKind:
			if found = e.Account != nil; found {
				facts.Organization = *e.Account
			} else {
				facts.Organization = datastore.Organization{ID: key.Organization, Revision: e.Ended}
			}
		case productKind:
			if r.tx != nil {
				r.tx.owners[e.Product.ID] = e.Organization
			}
			if e.Organization == key.Organization {
				facts.Product = e.Product
			}
		case activationKind:
			facts.Activation = *e.Activation
		case userKind:
			addUser(&facts, key, &e)
		}
	}
	if !found {
		return datastore.Facts{Organization: facts.Organization, Activation: facts.Activation}, datastore.ErrNotFound
	}
	slices.SortFunc(facts.Admins, func(a, b datastore.Member) int { return strings.Compare(a.ID, b.ID) })
	return facts, nil
}

// settled is how long ago an entry was written by a transaction that has surely ended: one lives for a
// minute. The rest is for clocks that differ.
const settled = 2 * time.Minute

// entries reads what a key names as it was at one point in time, also from a server that looks entries up
// one by one.
//
// Where all that are named are there and were written a while ago, each of them was so when the find
// began. Otherwise it asks again. Every put writes an id of its own into the entry, so one that is the
// same twice was not touched between, and all that are so were so when the first find had ended. (One
// that is in neither may have come and gone within the two; but it comes with a revision of the
// organization.) Where they change faster than they are read, it is a transaction after all.
func (r reader) entries(ctx context.Context, key datastore.Key) (entries []entry, err error) {
	filter, named := factsFilter(key)
	var before []entry
	for i := range 4 {
		entries, err = collect(find[entry](ctx, r, "read facts", directory, filter, options.Find()))
		if err != nil {
			return nil, err
		}
		if r.tx != nil || len(entries) == named && !slices.ContainsFunc(entries, entry.isRecent) {
			return entries, nil
		}
		slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.ID, b.ID) })
		if i > 0 && slices.EqualFunc(before, entries, entry.isSame) {
			return entries, nil
		}
		before = entries
	}
	err = r.store.transact(ctx, "read facts", func(ctx context.Context, t *tx) (err error) {
		entries, err = t.entries(ctx, key)
		return err
	})
	return entries, err
}

func (e entry) isRecent() bool       { return time.Since(e.Tx.Timestamp()) < settled }
func (e entry) isSame(as entry) bool { return e.ID == as.ID && e.Tx == as.Tx }

// factsFilter selects the entries that a key names, and tells how many they are where that is known: it
// is not of the admins.
func factsFilter(key datastore.Key) (filter bson.M, named int) {
	ids := bson.A{organizationKey(key.Organization)}
	if key.User != "" {
		ids = append(ids, userKey(key.Organization, key.User))
	}
	if key.Product != "" {
		ids = append(ids, productKey(key.Product))
	}
	if key.Set != "" {
		ids = append(ids, activationKey(key.Set))
	}
	if key.Target == "" {
		return bson.M{"_id": bson.M{"$in": ids}}, len(ids)
	}
	ids = append(ids, userKey(key.Organization, key.Target))
	return bson.M{"$or": bson.A{bson.M{"_id": bson.M{"$in": ids}}, bson.M{"admin_of": key.Organization}}}, -1
}

// addUser puts a user where the key asks for them.
func addUser(facts *datastore.Facts, key datastore.Key, e *entry) {
	if e.User == key.User {
		facts.Member = e.membership()
	}
	if key.Target == "" {
		return
	}
	if e.User == key.Target {
		facts.Target, facts.TargetBlocks = e.membership(), e.Blocks
	}
	if m := e.membership(); m != nil && e.AdminOf != "" {
		facts.Admins = append(facts.Admins, *m)
	}
}

// Due lists what carries a block or a maintenance that has ended.
func (r reader) Due(ctx context.Context, now time.Time, limit int) ([]datastore.Due, error) {
	filter := bson.M{"due_at": bson.M{"$lte": timeText(now)}}
	return collect(convert(find[entry](ctx, r, "list what is due", directory, filter, options.Find().SetLimit(int64(limit))),
		func(e entry) datastore.Due {
			due := datastore.Due{Organization: e.Organization, User: e.User}
			if e.Product != nil {
				due.Product = e.Product.ID
			}
			return due
		}))
}
