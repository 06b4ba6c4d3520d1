package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// WebhookConfig says how webhooks are called.
type WebhookConfig struct {
	// AllowPrivate allows targets in private networks and on this machine, and plain http. Whoever may
	// make webhooks may then have requests sent inside the network that Cordon is in.
	AllowPrivate bool
	Timeout      time.Duration // of one call, from dialling on; 0: 15 s
	RootCAs      *x509.CertPool
}

// Bounds of an answer: more is not read.
const (
	longestHead = 64 << 10
	longestBody = 64 << 10
)

// caller calls webhooks.
type caller struct {
	client       *http.Client
	transport    *http.Transport
	allowPrivate bool
	timeout      time.Duration
}

func newCaller(config WebhookConfig) *caller {
	setDefault(&config.Timeout, 15*time.Second)
	dialer := &net.Dialer{}
	if !config.AllowPrivate {
		dialer.Control = refusePrivate
	}
	transport := &http.Transport{
		// No proxy: the address that is dialled must be the target's own, or it could not be looked at.
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: config.RootCAs, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true, // calls are rare, and each one's address is looked at
		DisableCompression:     true, // a small answer must not unpack to a large one
		MaxResponseHeaderBytes: longestHead,
	}
	return &caller{
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		transport: transport, allowPrivate: config.AllowPrivate, timeout: config.Timeout,
	}
}

func (c *caller) close() { c.transport.CloseIdleConnections() }

// call calls one webhook, if it still exists.
func (r *Relay) call(ctx context.Context, m *datastore.Message, e *guard.Event) outcome {
	hook, err := datastore.Get(ctx, r.store, datastore.Webhook{Organization: m.Organization, ID: m.Recipient})
	if errors.Is(err, datastore.ErrNotFound) {
		return skipped("the webhook is gone")
	}
	if err != nil {
		return unfinished("the webhook could not be looked up")
	}
	body, err := json.Marshal(struct {
		Type      string       `json:"type"`
		Timestamp time.Time    `json:"timestamp"`
		Data      *guard.Event `json:"data"`
	}{e.Type, e.At.UTC(), e})
	if err != nil {
		return refused("its event cannot be encoded")
	}
	now := r.now()
	signature := sign(hook.Secrets, m.ID, now, body)
	if signature == "" {
		return refused("the webhook has no secret to sign with")
	}
	return r.caller.post(ctx, hook.URL, m.ID, now, signature, body)
}

// sign signs as Standard Webhooks says, with every secret that is in force: while one is exchanged,
// the receiver verifies with the old or the new one.
func sign(secrets []datastore.Secret, id string, at time.Time, body []byte) string {
	var signatures []string
	for _, secret := range secrets {
		if len(secret.Key) == 0 || !datastore.InForce(secret.ExpiresAt, at) {
			continue
		}
		mac := hmac.New(sha256.New, secret.Key)
		fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(signatures, " ")
}

// SecretText returns a webhook's secret as its receiver is shown it, once.
func SecretText(key []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(key) }

// post sends the body and returns what came of it.
func (c *caller) post(ctx context.Context, url, id string, at time.Time, signature string, body []byte) outcome {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return refused("its URL cannot be read")
	}
	if request.URL.Scheme != "https" && !c.allowPrivate {
		return refused("its URL is not https")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Cordon-Webhooks/1")
	request.Header.Set("Webhook-Id", id)
	request.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	request.Header.Set("Webhook-Signature", signature)
	response, err := c.client.Do(request)
	if err != nil {
		return callTrouble(ctx, err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, longestBody) // the status alone counts
	switch status := response.StatusCode; {
	case status/100 == 2:
		return delivered()
	case status == http.StatusGone:
		return refused("the receiver answered 410: it wants no more")
	case status/100 == 3:
		return unfinished(fmt.Sprintf("the receiver answered %d: redirects are not followed", status))
	default:
		return unfinished(fmt.Sprintf("the receiver answered %d", status))
	}
}

// callTrouble says what went wrong without the error's text, which holds the URL.
func callTrouble(ctx context.Context, err error) outcome {
	var certificate *tls.CertificateVerificationError
	var lookup *net.DNSError
	switch {
	case errors.Is(err, errPrivate):
		return refused("its address is not a public one")
	case errors.As(err, &certificate):
		return unfinished("the receiver's certificate is not valid")
	case errors.As(err, &lookup):
		return unfinished("the receiver's name could not be resolved")
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return unfinished("the receiver took too long")
	}
	return unfinished("the connection to the receiver failed")
}
