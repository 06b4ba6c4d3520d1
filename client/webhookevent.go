package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrSignature is of a call that is from no webhook whose secret we have, or an old one again: do nothing of what it
// says, and answer with 401.
var ErrSignature = errors.New("not a call of this webhook")

// tolerance is how far the time of a call may be from ours.
const tolerance = 5 * time.Minute

// WebhookEvent is an event as a webhook is told of it.
type WebhookEvent struct {
	// ID is the same each time that the event is delivered to this webhook: what was done under it is not done again.
	ID        string      `json:"-"`
	Type      string      `json:"type"` // one of [WebhookEvents]
	Timestamp time.Time   `json:"timestamp"`
	Data      WebhookData `json:"data"`
}

// WebhookData is what happened. Members that say nothing of an event are empty; there may be others in the body.
type WebhookData struct {
	ID               string    `json:"id"`
	Type             string    `json:"type"`
	At               time.Time `json:"at"`
	Organization     string    `json:"organization"`
	OrganizationName string    `json:"organization_name"`
	Product          string    `json:"product"`
	ProductName      string    `json:"product_name"`
	User             string    `json:"user"`
	UserName         string    `json:"user_name"`
	Origin           string    `json:"origin"` // of the block
	By               string    `json:"by"`
	Reason           string    `json:"reason"`
	Ticket           string    `json:"ticket"`
	Channels         []string  `json:"channels"`        // of a user's block: those that it names
	ClosedChannels   []string  `json:"closed_channels"` // and all that it closes
	ExpiresAt        time.Time `json:"expires_at"`
	StillBlocked     bool      `json:"still_blocked"` // one block has ended, and another stands
	Ended            bool      `json:"ended"`         // by the clock, lifted by nobody
	Role             string    `json:"role"`
	OldRole          string    `json:"old_role"`
	Procedure        string    `json:"procedure"` // id; see Client.Procedures
	Decision         string    `json:"decision"`  // id of the record
	Revision         int64     `json:"revision"`  // of the organization after it, for [Client.AtLeast]
}

// VerifyWebhook checks that a call is from the webhook of one of the secrets (whsec_..., as CreateWebhook showed them)
// and not an old one again, as Standard Webhooks says, and reads it: [ErrSignature] where it is not. The body must be the
// bytes as they came.
func VerifyWebhook(header http.Header, body []byte, secrets ...string) (WebhookEvent, error) {
	id, at := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" {
		return WebhookEvent{}, fmt.Errorf("%w: it has no webhook-id or no webhook-timestamp", ErrSignature)
	}
	if age := time.Since(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return WebhookEvent{}, fmt.Errorf("%w: its time is %v from ours", ErrSignature, age.Round(time.Second))
	}
	signed := false
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) == 0 {
			return WebhookEvent{}, errors.New("the secret of a webhook is not of the form whsec_ and base64")
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
		signed = signedBy(mac.Sum(nil), header.Get("Webhook-Signature")) || signed
	}
	if !signed {
		return WebhookEvent{}, fmt.Errorf("%w: no signature is of a secret that we have", ErrSignature)
	}
	event := WebhookEvent{ID: id}
	if err := json.Unmarshal(body, &event); err != nil {
		return WebhookEvent{}, fmt.Errorf("read the event of a webhook: %w", err)
	}
	return event, nil
}

// signedBy tells whether one of the signatures is the one that it must be. While a secret is exchanged there are two.
func signedBy(want []byte, signatures string) bool {
	for signature := range strings.FieldsSeq(signatures) {
		text, isOurs := strings.CutPrefix(signature, "v1,")
		if got, err := base64.StdEncoding.DecodeString(text); isOurs && err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}
