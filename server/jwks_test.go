package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwa"

	"cordon/server"
)

// hang makes the issuer's keys come when release is called, and not before; asked is told of each
// request for them.
func (i *issuer) hang(t *testing.T) (asked chan struct{}, release func()) {
	t.Helper()
	asked, released := make(chan struct{}, 100), make(chan struct{})
	i.held.Store(&hold{asked, released})
	release = sync.OnceFunc(func() {
		i.held.Store(nil)
		close(released)
	})
	t.Cleanup(release)
	return asked, release
}

// hold is what the issuer waits for before it shows its keys.
type hold struct{ asked, released chan struct{} }

func (i *issuer) fresh(t *testing.T) edit {
	t.Helper()
	return i.token(t, "directory", map[string]any{"jti": rand.Text()})
}

func TestAnIssuerThatHangsStallsNobody(t *testing.T) {
	w, i := newIssuerWorld(t)
	w.do(t, http.MethodGet, acmePath, nil, i.fresh(t)).want(t, http.StatusOK)
	asked, release := i.hang(t)
	// The keys are due. Nobody waits for them, and one fetch is under way for all.
	i.pass(time.Hour)
	for range 20 {
		w.do(t, http.MethodGet, acmePath, nil, i.fresh(t)).want(t, http.StatusOK)
	}
	<-asked
	// Who comes with a new key waits for the same fetch, and is let in by it.
	known := i.key
	i.rotate(t, "two")
	waiting := make(chan int, 1)
	token := i.fresh(t)
	go func() {
		got, err := w.try(http.MethodGet, acmePath, nil, token)
		if err != nil {
			t.Error(err)
		}
		waiting <- got.status
	}()
	for range 20 {
		w.do(t, http.MethodGet, acmePath, nil, i.sign(t, i.claims(t, "directory", map[string]any{"jti": rand.Text()}), jwa.ES256(), known, nil)).
			want(t, http.StatusOK)
	}
	select {
	case status := <-waiting:
		t.Fatalf("a token of a key that is not known yet was answered %d before the keys came", status)
	default:
	}
	if got := i.fetched.Load(); got != 2 {
		t.Errorf("the keys were asked for %d times, want twice", got)
	}
	release()
	if status := <-waiting; status != http.StatusOK {
		t.Errorf("got %d once the keys came, want 200", status)
	}
}

// That the issuer cannot be asked is no fault of the token.
func TestKeysThatWereNeverHadAre503(t *testing.T) {
	w, i := newIssuerWorld(t)
	i.down.Store(true)
	for range 5 {
		w.do(t, http.MethodGet, acmePath, nil, i.fresh(t)).refused(t, http.StatusServiceUnavailable, "unavailable")
	}
	if got := i.fetched.Load(); got != 1 {
		t.Errorf("an issuer that is down was asked %d times, want once before the pause", got)
	}
	i.down.Store(false)
	i.pass(2 * time.Second)
	w.do(t, http.MethodGet, acmePath, nil, i.fresh(t)).want(t, http.StatusOK)
	// An unknown key may be one that the issuer could not tell us of.
	i.down.Store(true)
	i.rotate(t, "two")
	i.pass(time.Minute)
	w.do(t, http.MethodGet, acmePath, nil, i.fresh(t)).refused(t, http.StatusServiceUnavailable, "unavailable")
	i.down.Store(false)
	i.pass(2 * time.Second)
	w.do(t, http.MethodGet, acmePath, nil, i.fresh(t)).want(t, http.StatusOK)
}

// A request that ends while it waits for keys says that it could not be told, not that it was refused.
func TestARequestThatEndsWhileItWaitsForKeysIs503(t *testing.T) {
	i := newIssuer(t)
	w := newWorld(t, options{server: func(c *server.Config) {
		c.Issuer, c.Now = &server.Issuer{Name: issuerName, Audience: audience, KeysURL: i.web.URL}, i.time
	}})
	_, release := i.hang(t)
	defer release()
	token := i.token(t, "decide", nil) // decisions have two seconds, less than a fetch has
	w.do(t, http.MethodPost, single, plainQuestion, token).refused(t, http.StatusServiceUnavailable, "unavailable")
}

func TestTokensThatAreRefusedAnywayAskForNoKeys(t *testing.T) {
	w, i := newIssuerWorld(t)
	good := i.token(t, "directory", nil)
	unsigned := func(r *http.Request) {
		good(r)
		r.Header.Set("Authorization", r.Header.Get("Authorization")[:strings.LastIndex(r.Header.Get("Authorization"), ".")+1])
	}
	for name, token := range map[string]edit{
		"unsigned":       unsigned,
		"none":           bearer("eyJhbGciOiJub25lIn0.e30."),
		"garbage":        bearer("a.b.c"),
		"expired":        i.token(t, "directory", map[string]any{"exp": i.time().Add(-time.Hour)}),
		"another issuer": i.token(t, "directory", map[string]any{"iss": "https://evil.example"}),
	} {
		w.do(t, http.MethodGet, acmePath, nil, token).refused(t, http.StatusUnauthorized, "unauthenticated")
		if got := i.fetched.Load(); got != 0 {
			t.Errorf("%s: the keys were asked for", name)
		}
	}
}

func TestAnAnswerThatIsNoKeysIsNotTaken(t *testing.T) {
	for name, body := range map[string]string{
		"too large": `{"keys":[],"x":"` + strings.Repeat("x", 1<<20) + `"}`, "none": `{"keys":[]}`, "no JSON": "<html>",
	} {
		t.Run(name, func(t *testing.T) {
			w, i := newIssuerWorld(t)
			i.body.Store(&body)
			w.do(t, http.MethodGet, acmePath, nil, i.fresh(t)).refused(t, http.StatusServiceUnavailable, "unavailable")
			i.body.Store(nil)
			i.pass(2 * time.Second)
			w.do(t, http.MethodGet, acmePath, nil, i.fresh(t)).want(t, http.StatusOK)
		})
	}
}

// answering is a transport without a network, so that time can be made up.
type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// An issuer is not pressed while it hangs, and asked again every quarter of an hour when it answers.
func TestTheKeysAreFetchedInTheBackground(t *testing.T) {
	public, err := newIssuer(t).key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"keys": []any{public}})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		begun := time.Now()
		var up atomic.Bool
		ctx, stop := context.WithCancel(t.Context())
		done := server.KeepKeys(ctx, &server.Issuer{
			Name: issuerName, Audience: audience, KeysURL: "https://login.example/keys",
			Client: &http.Client{Transport: answering(func(r *http.Request) (*http.Response, error) {
				at = append(at, time.Since(begun))
				if !up.Load() {
					<-r.Context().Done() // given up after five seconds
					return nil, r.Context().Err()
				}
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
			})},
		})
		time.Sleep(290 * time.Second)
		synctest.Wait()
		up.Store(true)
		time.Sleep(47 * time.Minute)
		synctest.Wait()
		want := []time.Duration{0, 6, 13, 22, 35, 56, 93, 158, 223, 288, 353, 353 + 900, 353 + 1800, 353 + 2700}
		for n := range want {
			want[n] *= time.Second
		}
		if diff := cmp.Diff(at, want); diff != "" {
			t.Errorf("asked at, want:\n%s", diff)
		}
		stop()
		<-done
	})
}
