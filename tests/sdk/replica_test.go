package sdk_test

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

// turns sends each request to the next of several replicas, as a load balancer does.
type turns struct {
	hosts []string
	next  atomic.Int64
}

func (b *turns) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = b.hosts[int(b.next.Add(1))%len(b.hosts)]
	return http.DefaultTransport.RoundTrip(r)
}

// A client changes something on one replica and asks the other: it sees what it changed, each time.
func TestWhatWasChangedOnOneReplicaIsSeenOnTheOther(t *testing.T) {
	t.Parallel()
	one, balancer := twoReplicas(t)
	cordon := one.Client(func(config *client.Config) { config.HTTPClient = &http.Client{Transport: balancer} })
	lena, shop := cordon.As("lena"), client.OnProduct("shop")
	for n := range 40 {
		blocked := n%2 == 0
		act := lena.UnblockProduct
		if blocked {
			act = lena.BlockProduct
		}
		if _, err := act(t.Context(), "acme", "shop", client.BlockRequest{Reason: "unpaid"}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // on the other replica, and on this one
			can, err := cordon.Can(t.Context(), "carl", client.ActionManage, shop)
			if err != nil || can == blocked {
				t.Fatalf("turn %d, blocked %v: can %v, %v", n, blocked, can, err)
			}
		}
		if n%3 == 0 { // so that each replica has its turn at the acts
			balancer.next.Add(1)
		}
	}
}

// twoReplicas starts them, with what the cases are about.
func twoReplicas(t *testing.T) (*program.Server, *turns) {
	t.Helper()
	place := program.MongoDB(t)
	key := program.FirstKey(t, place)
	one := program.Serve(t, place, key)
	other := program.Serve(t, place.Beside(t), key)
	fill(t, one, load(t).Import)
	balancer := &turns{}
	for _, s := range []*program.Server{one, other} {
		at, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		balancer.hosts = append(balancer.hosts, at.Host)
	}
	return one, balancer
}
