package notify

import (
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// How much a relay takes in hand: in all, and for each lane how much at once and waiting.
const (
	inHand       = 64
	eventsAtOnce = 2
	mailsAtOnce  = 8
	callsAtOnce  = 2
	eventsHeld   = 16
	mailsHeld    = 48
	callsHeld    = 8
)

// lane is the way to one receiver: the store for events, the mail server, or one webhook.
type lane struct {
	atOnce, held int
	running      int
	waiting      []datastore.Message
	took         time.Duration // about what a delivery takes
	moved        time.Time     // when it last got or finished something
}

// laneOf names the lane of a message.
func laneOf(m *datastore.Message) string {
	if m.Kind == KindWebhook {
		return KindWebhook + "/" + m.Recipient
	}
	return m.Kind
}

func newLane(kind string) *lane {
	l := &lane{took: 100 * time.Millisecond, moved: time.Now()}
	switch kind {
	case guard.MessageEvent:
		l.atOnce, l.held = eventsAtOnce, eventsHeld
	case KindMail:
		l.atOnce, l.held = mailsAtOnce, mailsHeld
	default:
		l.atOnce, l.held = callsAtOnce, callsHeld
	}
	return l
}

// full tells whether the lane takes no more for now.
func (l *lane) full() bool { return l.running+len(l.waiting) >= l.held }

// next gives a message that may be delivered now.
func (l *lane) next() (m datastore.Message, ok bool) {
	if l.running >= l.atOnce || len(l.waiting) == 0 {
		return m, false
	}
	m, l.waiting = l.waiting[0], l.waiting[1:]
	l.running++
	return m, true
}

// ended takes note that a delivery is over.
func (l *lane) ended(took time.Duration) {
	l.running--
	l.took = (3*l.took + took) / 4
	l.moved = time.Now()
}

// longestPause bounds how long a message is put back for a lane that is full: a receiver that was
// slow may be quick again.
const longestPause = 20 * time.Second

// drained tells how long the lane will about need for what it holds.
func (l *lane) drained() time.Duration {
	need := max(l.took, time.Since(l.moved)) * time.Duration(l.running+len(l.waiting)) / time.Duration(l.atOnce)
	return min(max(need, 100*time.Millisecond), longestPause)
}
