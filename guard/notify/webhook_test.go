package notify_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/guard/notify"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// receiver is a system that webhooks call.
type receiver struct {
	*httptest.Server
	answer func(http.ResponseWriter, *http.Request) // nil: 204

	mu    sync.Mutex
	calls []call
}

// call is what a receiver was sent.
type call struct {
	header http.Header
	method string
	body   []byte
}

func openReceiver(t *testing.T, answer func(http.ResponseWriter, *http.Request)) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the caller went away
	}
	r.mu.Lock()
	r.calls = append(r.calls, call{request.Header, request.Method, body})
	r.mu.Unlock()
	if r.answer != nil {
		r.answer(w, request)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) all() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// hook puts a webhook of Acme's in place.
func hook(t *testing.T, store datastore.Store, id, url string, change func(*datastore.Webhook)) {
	t.Helper()
	w := datastore.Webhook{Organization: "acme", ID: id, URL: url, Secrets: []datastore.Secret{{Key: []byte("key of " + id)}}, CreatedAt: time.Now()}
	if change != nil {
		change(&w)
	}
	put(t, store, w)
}

func private() notify.WebhookConfig { return notify.WebhookConfig{AllowPrivate: true} }

// verifies reports whether a receiver with that key takes a call for ours.
func verifies(t *testing.T, key string, c call) bool {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(notify.SecretText([]byte(key)))
	if err != nil {
		t.Fatal(err)
	}
	return verifier.Verify(c.body, c.header) == nil
}

func TestAWebhookIsCalledAsStandardWebhooksSays(t *testing.T) {
	store, receiver := openStore(t), openReceiver(t, nil)
	acme(t, store)
	hook(t, store, "whk-1", receiver.URL+"/in", nil)
	hook(t, store, "whk-2", receiver.URL+"/in", func(w *datastore.Webhook) { w.Events = []string{guard.EventUserBlocked} })
	at := time.Now().UTC()
	queue(t, store, at, guard.Event{ID: eventID(1), Ticket: "T-1"})
	r := start(t, notify.Config{Store: store, Webhooks: private()})
	r.await("webhook delivered", 1)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	calls := receiver.all()
	if len(calls) != 1 {
		t.Fatalf("%d calls, want one: the other webhook asked for other events", len(calls))
	}
	id := eventID(1) + "/webhook/whk-1"
	if c := calls[0]; c.method != http.MethodPost || c.header.Get("Content-Type") != "application/json" || c.header.Get("Webhook-Id") != id {
		t.Errorf("it is called by %s with %v", c.method, c.header)
	}
	if !verifies(t, "key of whk-1", calls[0]) || verifies(t, "key of whk-2", calls[0]) {
		t.Error("the signature is not of the webhook's key, or of another's")
	}
	forged := calls[0]
	forged.body = append(slices.Clone(forged.body), ' ')
	if verifies(t, "key of whk-1", forged) {
		t.Error("the signature holds for another body")
	}
	var got struct {
		Type      string
		Timestamp time.Time
		Data      guard.Event
	}
	if err := json.Unmarshal(calls[0].body, &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != guard.EventProductBlocked || !got.Timestamp.Equal(at) {
		t.Errorf("it is %s of %s, want %s of %s", got.Type, got.Timestamp, guard.EventProductBlocked, at)
	}
	if got.Data.ID != eventID(1) || got.Data.Product != "shop" || got.Data.Ticket != "T-1" || got.Data.Organization != "acme" {
		t.Errorf("its data is %+v", got.Data)
	}
	if m := message(t, store, id); m.State != datastore.MessageDone || !slices.Equal(results(m), []string{"delivered"}) {
		t.Errorf("the delivery log is %s: %v", m.State, m.Log)
	}
}

// While a secret is exchanged, a receiver verifies with the old or the new one.
func TestEverySecretInForceSigns(t *testing.T) {
	store, receiver := openStore(t), openReceiver(t, nil)
	acme(t, store)
	now := time.Now()
	hook(t, store, "whk-1", receiver.URL, func(w *datastore.Webhook) {
		w.Secrets = []datastore.Secret{
			{Key: []byte("newest")}, {Key: []byte("older"), ExpiresAt: now.Add(time.Hour)}, {Key: []byte("ended"), ExpiresAt: now.Add(-time.Second)},
		}
	})
	hook(t, store, "whk-2", receiver.URL, func(w *datastore.Webhook) {
		w.Secrets = []datastore.Secret{{Key: []byte("ended"), ExpiresAt: now}}
	})
	queue(t, store, now, guard.Event{ID: eventID(1)})
	r := start(t, notify.Config{Store: store, Webhooks: private()})
	r.await("webhook delivered", 1)
	r.await("webhook dead", 1)
	if m := message(t, store, eventID(1)+"/webhook/whk-2"); !slices.Equal(results(m), []string{"the webhook has no secret to sign with"}) {
		t.Errorf("got %q", results(m))
	}
	calls := receiver.all()
	if len(calls) != 1 {
		t.Fatalf("%d calls, want none that is not signed", len(calls))
	}
	for key, want := range map[string]bool{"newest": true, "older": true, "ended": false} {
		if got := verifies(t, key, calls[0]); got != want {
			t.Errorf("it verifies with the %s secret: %v, want %v", key, got, want)
		}
	}
	if got := strings.Fields(calls[0].header.Get("Webhook-Signature")); len(got) != 2 {
		t.Errorf("%d signatures, want 2", len(got))
	}
}

func TestAnAnswerDecidesWhatBecomesOfACall(t *testing.T) {
	elsewhere := openReceiver(t, nil)
	status := func(code int) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		answer        func(http.ResponseWriter, *http.Request)
		outcome, want string
	}{
		"200": {status(200), "delivered", "delivered"},
		"202": {status(202), "delivered", "delivered"},
		"400": {status(400), "retried", "the receiver answered 400"},
		"410": {status(410), "dead", "the receiver answered 410: it wants no more"},
		"503": {status(503), "retried", "the receiver answered 503"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "retried", "the receiver answered 307: redirects are not followed"},
		"an endless body": {func(w http.ResponseWriter, r *http.Request) {
			for block := make([]byte, 32<<10); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, "delivered", "delivered"},
		"an endless head": {func(w http.ResponseWriter, _ *http.Request) {
			for i := range 1000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1000))
			}
		}, "retried", "the connection to the receiver failed"},
		"a cut connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"retried", "the connection to the receiver failed"},
		"no answer": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "retried", "the receiver took too long"},
	} {
		t.Run(name, func(t *testing.T) {
			store, log := openStore(t), &lines{}
			receiver := openReceiver(t, c.answer)
			acme(t, store)
			hook(t, store, "whk-1", receiver.URL+"/in?token=s3cret", nil)
			queue(t, store, time.Now(), guard.Event{ID: eventID(1)})
			config := notify.Config{Store: store, Webhooks: private(), Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
			if name == "no answer" {
				config.Webhooks.Timeout = 20 * time.Millisecond
			}
			r := start(t, config)
			r.await("webhook "+c.outcome, 1)
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			if got := results(message(t, store, eventID(1)+"/webhook/whk-1")); !slices.Equal(got, []string{c.want}) {
				t.Errorf("the log is %q, want %q", got, c.want)
			}
			if log.count("s3cret")+log.count(receiver.URL) > 0 {
				t.Errorf("the URL is logged:\n%s", log.text.String())
			}
		})
	}
	if got := elsewhere.all(); len(got) > 0 {
		t.Errorf("a redirect was followed: %v", got)
	}
}

func TestACallIsTriedAgainWithTheSameIDAndBody(t *testing.T) {
	first := true
	receiver := openReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if first {
			first = false
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	store, now := openStore(t), newClock()
	acme(t, store)
	hook(t, store, "whk-1", receiver.URL, nil)
	queue(t, store, now.now(), guard.Event{ID: eventID(1)})
	r := start(t, notify.Config{Store: store, Webhooks: private(), Now: now.now})
	r.await("webhook retried", 1)
	now.pass(10 * time.Second)
	r.Wake()
	r.await("webhook delivered", 1)
	calls := receiver.all()
	if len(calls) != 2 || string(calls[0].body) != string(calls[1].body) || calls[0].header.Get("Webhook-Id") != calls[1].header.Get("Webhook-Id") {
		t.Errorf("the calls are %v", calls)
	}
	if !verifies(t, "key of whk-1", calls[1]) || calls[0].header.Get("Webhook-Timestamp") == calls[1].header.Get("Webhook-Timestamp") {
		t.Error("the repeat is not signed at its own time")
	}
}

func TestAWebhookThatIsGoneIsNotCalled(t *testing.T) {
	store := openStore(t)
	acme(t, store)
	put(t, store, datastore.Message{ID: "evt-a/webhook/whk-9", Kind: notify.KindWebhook, Organization: "acme", Recipient: "whk-9",
		Payload: []byte("{}"), State: datastore.MessagePending, NextAt: time.Now()})
	r := start(t, notify.Config{Store: store, Webhooks: private()})
	r.await("webhook skipped", 1)
}

// A receiver that never answers has many calls waiting; others and mails go out meanwhile.
func TestASlowReceiverHoldsUpNobody(t *testing.T) {
	const events = 60
	release := make(chan struct{})
	slow := openReceiver(t, func(http.ResponseWriter, *http.Request) { <-release })
	quick, box := openReceiver(t, nil), openMailbox(t, mailboxOptions{}, nil)
	store := openStore(t)
	acme(t, store)
	hook(t, store, "whk-slow", slow.URL, nil)
	for i := range events {
		queue(t, store, time.Now(), guard.Event{ID: eventID(i)})
	}
	config := notify.Config{Store: store, Webhooks: private(), Lease: 2 * time.Hour, Grace: time.Nanosecond}
	config.Webhooks.Timeout = time.Hour
	r := start(t, config)
	r.await("event delivered", events)
	if err := r.stop(); err != nil { // so that all calls of the slow one are due before any other
		t.Fatal(err)
	}
	hook(t, store, "whk-quick", quick.URL, nil)
	queue(t, store, time.Now(), guard.Event{ID: eventID(events), Type: guard.EventUserSecure, User: "carl"})
	config.Mail = box.config()
	r = start(t, config)
	r.await("webhook delivered", 1)
	r.await("mail delivered", 1)
	if len(quick.all()) != 1 || len(slow.all()) > 4 {
		t.Errorf("%d calls of the quick one, %d of the slow one; want 1, and at most 2 at once", len(quick.all()), len(slow.all()))
	}
	close(release)
}

func TestPrivateTargetsAreRefusedWhenTheyAreDialled(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was called") }))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ url, want string }{
		"an address":            {server.URL, "its address is not a public one"},
		"a name of one":         {"https://localhost:" + u.Port(), "its address is not a public one"},
		"an IPv6 address of it": {"https://[::ffff:127.0.0.1]:" + u.Port(), "its address is not a public one"},
		"http":                  {"http://" + u.Host, "its URL is not https"},
		"no URL":                {"https://%zz", "its URL cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			store := openStore(t)
			acme(t, store)
			hook(t, store, "whk-1", c.url, nil)
			queue(t, store, time.Now(), guard.Event{ID: eventID(1)})
			r := start(t, notify.Config{Store: store})
			r.await("webhook dead", 1)
			if got := results(message(t, store, eventID(1)+"/webhook/whk-1")); !slices.Equal(got, []string{c.want}) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestATLSReceiverIsVerified(t *testing.T) {
	receiver := &receiver{}
	receiver.Server = httptest.NewUnstartedServer(receiver)
	receiver.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	receiver.StartTLS()
	t.Cleanup(receiver.Close)
	store, now := openStore(t), newClock()
	acme(t, store)
	hook(t, store, "whk-1", receiver.URL, nil)
	queue(t, store, now.now(), guard.Event{ID: eventID(1)})
	r := start(t, notify.Config{Store: store, Webhooks: private(), Now: now.now})
	r.await("webhook retried", 1)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	now.pass(10 * time.Second)
	config := private()
	config.RootCAs = receiver.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	r = start(t, notify.Config{Store: store, Webhooks: config, Now: now.now})
	r.await("webhook delivered", 1)
	want := []string{"the receiver's certificate is not valid", "delivered"}
	if diff := cmp.Diff(want, results(message(t, store, eventID(1)+"/webhook/whk-1"))); diff != "" {
		t.Error(diff)
	}
}

func TestURLsOfWebhooks(t *testing.T) {
	for raw, want := range map[string]struct{ public, private bool }{
		"https://hooks.example.org/in?a=b":     {true, true},
		"https://hooks.example.org:8443":       {true, true},
		"https://93.184.215.14/in":             {true, true},
		"https://[2606:2800:21f:cb07::1]/in":   {true, true},
		"http://hooks.example.org/in":          {false, true},
		"https://localhost/in":                 {false, true},
		"https://LOCALHOST./in":                {false, true},
		"https://a.localhost/in":               {false, true},
		"https://printer.local/in":             {false, true},
		"https://metadata.google.internal/":    {false, true},
		"https://intranet/in":                  {false, true},
		"https://127.0.0.1/in":                 {false, true},
		"https://10.1.2.3/in":                  {false, true},
		"https://169.254.169.254/latest/":      {false, true},
		"https://[::1]/in":                     {false, true},
		"https://[fe80::1%25eth0]/in":          {false, true},
		"https://[::ffff:10.0.0.1]/in":         {false, true},
		"https://user:pass@hooks.example.org/": {false, false},
		"https://hooks.example.org/#part":      {false, false},
		"ftp://hooks.example.org/":             {false, false},
		"https:hooks.example.org":              {false, false},
		"https://":                             {false, false},
		"https://:443/":                        {false, false},
		"/in":                                  {false, false},
		"":                                     {false, false},
		"https://hooks.example.org/\n":         {false, false},
		"https://hooks.example.org/" + strings.Repeat("x", 2000): {false, false},
	} {
		if got := notify.CheckURL(raw, false) == nil; got != want.public {
			t.Errorf("%.60q is taken: %v, want %v", raw, got, want.public)
		}
		if got := notify.CheckURL(raw, true) == nil; got != want.private {
			t.Errorf("%.60q is taken where private ones are: %v, want %v", raw, got, want.private)
		}
	}
}

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.215.14": true, "8.8.8.8": true, "2606:2800:21f:cb07::1": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.100.100.200": false, "127.0.0.1": false, "127.255.0.1": false,
		"168.63.129.16": false, "169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false, "192.0.0.192": false,
		"192.0.2.1": false, "192.168.1.1": false, "198.18.0.1": false, "224.0.0.1": false, "239.255.255.250": false,
		"240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::127.0.0.1": false, "64:ff9b::7f00:1": false, "64:ff9b:1::1": false,
		"100::1": false, "2001::1": false, "2001:db8::1": false, "2002:7f00:1::": false, "fc00::1": false, "fd00:ec2::254": false,
		"fe80::1": false, "fec0::1": false, "ff02::1": false, "5f00::1": false,
	} {
		if got := notify.IsPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is public: %v, want %v", address, got, want)
		}
	}
}
