package guard

import (
	"time"

	"cordon/datastore"
)

// Concerns reports whether a member is sent a mail about the event (docs/domain.md B4; docs/design.md 11, Mail):
// product events go to all whose contact preferences accept them, of those whom the organization's settings name, and
// to legal representatives always; user blocks to the unblocked admins, not to the blocked user; role changes to the admins
// and the user concerned; the secure procedure to the user.
func (e *Event) Concerns(m *datastore.Member, now time.Time) bool {
	switch e.Type {
	case EventProductBlocked, EventProductUnblocked, EventMaintenanceStarted, EventMaintenanceEnded:
		switch {
		case m.Role == datastore.LegalRepresentative:
			return true
		case e.ProductEventsTo == datastore.ToLegalRepresentatives, e.ProductEventsTo == datastore.ToAdmins && !datastore.IsAdmin(m.Role):
			return false
		}
		return m.ProductEvents
	case EventUserBlocked, EventUserUnblocked:
		return datastore.IsAdmin(m.Role) && m.ID != e.User && !m.BlockedAt(now)
	case EventRoleChanged:
		return m.ID == e.User || datastore.IsAdmin(m.Role)
	case EventUserSecure:
		return m.ID == e.User
	}
	return false
}
