package guard_test

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// setClock is a clock that can be set, beside one that cannot.
type setClock struct {
	mu   sync.Mutex
	wall time.Time
	ran  time.Duration
	seen map[int64]time.Duration // how long it had run at each reading
}

func newSetClock() *setClock {
	return &setClock{wall: time.Now().UTC().Truncate(time.Second), seen: map[int64]time.Duration{}}
}

func (c *setClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[c.wall.UnixNano()] = c.ran
	return c.wall
}

func (c *setClock) elapsed(from, to time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[to.UnixNano()] - c.seen[from.UnixNano()]
}

// move lets the clock run for a time, and sets it ahead by another.
func (c *setClock) move(ran, set time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.ran = c.wall.Add(ran+set), c.ran+ran
}

// A clock that leaps ahead ends nothing until it has stayed there; each case is what it does after a block of an hour.
func TestAClockThatLeapsAheadEndsNothingUntilItIsBelieved(t *testing.T) { // docs/design.md 11, Revisions; docs/operations.md, The clock
	type step struct {
		ran, set time.Duration
		blocked  bool
		ahead    time.Duration
	}
	const day = 24 * time.Hour
	for name, steps := range map[string][]step{
		"no leap":            {{59 * time.Minute, 0, true, 0}, {time.Minute, 0, false, 0}},
		"what NTP does":      {{59 * time.Minute, 0, true, 0}, {31 * time.Second, 29 * time.Second, false, 0}},
		"undone":             {{time.Second, day, true, day}, {time.Minute, -day, true, 0}, {59 * time.Minute, 0, false, 0}},
		"its end comes":      {{55 * time.Minute, day, true, day}, {5 * time.Minute, 0, false, day}},
		"believed":           {{time.Second, day, true, day}, {9 * time.Minute, 0, true, day}, {time.Minute, 0, false, 0}},
		"leaps again":        {{time.Second, day, true, day}, {9 * time.Minute, day, true, 2 * day}, {9 * time.Minute, 0, true, 2 * day}, {time.Minute, 0, false, 0}},
		"believed, then not": {{time.Second, 31 * time.Second, true, 31 * time.Second}, {10 * time.Minute, 0, true, 0}, {time.Second, day, true, day}, {time.Second, -day, true, 0}},
		"set back":           {{time.Second, -day, true, 0}, {time.Second, day, true, day}, {10 * time.Minute, 0, true, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			c, log, store := newSetClock(), &said{}, openSQLite(t)
			g := newGuard(t, store, func(config *guard.Config) {
				config.Now, config.Elapsed, config.Log = c.now, c.elapsed, slog.New(slog.NewTextHandler(log, nil))
			})
			acme(t, g)
			end := c.now().Add(time.Hour)
			must[*guard.Result](t)(g.BlockProduct(t.Context(), as("lena"), "acme", "shop", guard.ProductAct{Reason: "x", ExpiresAt: end}))
			must[*guard.Result](t)(g.StartMaintenance(t.Context(), as("lena"), "acme", "mail", guard.ProductAct{ExpiresAt: end}))
			must[*guard.Result](t)(g.BlockUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{
				Justification: because, SupportCode: codeOf(t, g, "lena"), ExpiresAt: end,
			}))
			for at, s := range steps {
				c.move(s.ran, s.set)
				// Before anybody has looked, and after.
				for _, looked := range []bool{false, true} {
					if looked {
						if err := g.Sweep(t.Context()); err != nil {
							t.Fatal(err)
						}
					} else if !s.blocked && s.ahead == 0 && at > 0 && steps[at-1].ahead > 0 {
						continue // it is the look that believes it
					}
					for about, q := range map[string]*guard.Question{
						"product": productQuestion("lena", "manage", "shop"), "mail": productQuestion("lena", "read_mail", "mail"),
						"user": channelQuestion("carl", "manager"),
					} {
						if allowed, why := decide(t, g, q); allowed == s.blocked {
							t.Errorf("step %d, looked %v: %s: got %v %v", at, looked, about, allowed, why)
						}
					}
					product, _, err := g.Product(t.Context(), host(), "acme", "shop")
					if err != nil || (len(product.Blocks) > 0) != s.blocked {
						t.Errorf("step %d, looked %v: got the product %+v %v", at, looked, product, err)
					}
				}
				if got := g.ClockAhead(); got != s.ahead {
					t.Errorf("step %d: the clock is %v ahead, want %v", at, got, s.ahead)
				}
				facts, err := store.Facts(t.Context(), datastore.Key{Organization: "acme", Product: "shop", Target: "carl"})
				if err != nil || len(facts.Product.Blocks) > 0 != s.blocked || len(facts.TargetBlocks) > 0 != s.blocked {
					t.Errorf("step %d: the store has %+v of %+v, %v", at, facts.TargetBlocks, facts.Product, err)
				}
				if s.blocked {
					// An act that meets the block does not end it either.
					_, err := g.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("again"))
					if conflict := (*guard.Conflict)(nil); !errors.As(err, &conflict) {
						t.Errorf("step %d: block again: got %v, want a conflict", at, err)
					}
				}
			}
		})
	}
}

func TestALeapOfTheClockIsSaidOnce(t *testing.T) {
	c, log := newSetClock(), &said{}
	g := newGuard(t, openSQLite(t), func(config *guard.Config) {
		config.Now, config.Elapsed, config.Log = c.now, c.elapsed, slog.New(slog.NewTextHandler(log, nil))
	})
	for _, step := range []struct{ ran, set time.Duration }{{time.Second, time.Hour}, {time.Second, 0}, {time.Second, -time.Hour}, {time.Second, 0}} {
		c.move(step.ran, step.set)
		if err := g.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if leapt, back := log.count("has leapt ahead"), log.count("is back"); leapt != 1 || back != 1 {
		t.Errorf("the log says %d times that it leapt and %d times that it is back, want once each:\n%s", leapt, back, log.text.String())
	}
}
