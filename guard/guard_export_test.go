package guard

import "context"

// WriteUses writes at once when keys were last used.
func (g *Guard) WriteUses(ctx context.Context) error { return g.writeUses(ctx) }
