package guard

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"cordon/datastore"
)

// follow keeps the cache true by the store's feed until ctx is done, and has the policy reloaded when the feed tells that
// another is in force, or stands anew. Where the feed breaks it goes on from
// the last position; where history is lost it begins anew. Only a beat makes the cache trusted, for only a
// beat says that nothing more is to come of what was acknowledged before it.
//
// What was told of is done before what follows is looked at: a policy that is being loaded holds up the beats, and so
// the trust in what is known here; one that the store does not give is told of again.
func (c *cache) follow(ctx context.Context, store datastore.Store, log *slog.Logger, reload func(ctx context.Context, anew bool) error, other func()) {
	position, pause := "", 50*time.Millisecond
	interrupted := false // and it was said
	for ctx.Err() == nil {
		var failed error
		for change, err := range store.Watch(ctx, position) {
			if err != nil {
				failed = err
				break
			}
			if anew := position == ""; anew || change.Set == policySet {
				if failed = reload(ctx, anew); failed != nil && !errors.Is(failed, ErrPolicyNotLoaded) {
					break
				}
				failed = nil
				if anew {
					other()
					c.begin() // only now, that it stands: what was kept before would never be told of a change
				}
			}
			if change.Set != "" && change.Set != policySet {
				other() // nothing is loaded here: what a set of an operator asks for holds up nobody
			}
			if change.Organization != "" {
				c.advance(change)
			} else if change.IsBeat() {
				c.until.Store(&change.Until)
				if interrupted {
					log.Info("change feed goes on")
					interrupted = false
				}
			}
			position = change.Position
			pause = 50 * time.Millisecond
		}
		if ctx.Err() != nil || errors.Is(failed, datastore.ErrClosed) {
			return
		}
		if errors.Is(failed, datastore.ErrHistoryLost) {
			position = ""
		}
		if !interrupted {
			log.Warn("change feed interrupted", "error", failed)
			interrupted = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Second)
	}
}
