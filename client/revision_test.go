package client_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordon.example/client"
)

// counting is a server that counts the changes of each organization, and tells what was asked at least.
type counting struct {
	mu        sync.Mutex
	revisions map[string]int
	asked     string
}

func (s *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.Split(r.URL.Path, "/")
	switch {
	case path[1] != "v1":
		s.asked = r.Header.Get(client.HeaderAtLeast)
		if strings.HasSuffix(r.URL.Path, "/resource") {
			return says(200, `{"results":[]}`)(r)
		}
		if strings.HasSuffix(r.URL.Path, "/evaluations") {
			return says(200, `{"evaluations":[{"decision":true}]}`)(r)
		}
		return says(200, `{"decision":true}`)(r)
	case r.Method == http.MethodGet:
		return says(200, `{}`, client.HeaderRevision, "99")(r)
	}
	s.revisions[path[3]]++
	return says(200, `{}`, client.HeaderRevision, strconv.Itoa(s.revisions[path[3]]))(r)
}

func (s *counting) client(t *testing.T) *client.Client {
	t.Helper()
	s.revisions = map[string]int{}
	c, err := client.New(client.Config{URL: "http://cordon.example", Key: "k", HTTPClient: &http.Client{Transport: s}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at asks about a resource and gives what the question was to be decided at, at least.
func (s *counting) at(t *testing.T, c *client.Client, on client.Resource) string {
	t.Helper()
	s.asked = "nothing was asked"
	if _, err := c.Can(t.Context(), "u", client.ActionManage, on); err != nil {
		t.Fatal(err)
	}
	return s.asked
}

func TestWhatAClientChangedItThenSees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counting{}
		c := s.client(t)
		web := client.OnProduct("web")
		want := func(c *client.Client, header string) {
			t.Helper()
			if got := s.at(t, c, web); got != header {
				t.Errorf("asked at %q, want %q", got, header)
			}
		}
		want(c, "")
		if _, err := c.Product(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		want(c, "") // what is read is no change
		if _, err := c.As("ann").BlockProduct(t.Context(), "acme", "web", client.BlockRequest{Reason: "r"}); err != nil {
			t.Fatal(err)
		}
		want(c, "acme=1")
		want(c.AsAgent("sue").In("fr"), "acme=1") // all that are made of it carry it
		want(c.InSet("todo"), "")                 // which knows no organizations
		for range 2 {
			if _, err := c.PutProduct(t.Context(), "acme", "web", client.ProductBody{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.PutOrganization(t.Context(), "beta", client.OrganizationBody{}); err != nil {
			t.Fatal(err)
		}
		want(c, "acme=3, beta=1")
		want(c.AtLeast("acme", 2).AtLeast("gamma", 7), "acme=3, beta=1, gamma=7")
		want(c.AtLeast("acme", 4), "acme=4, beta=1")
		want(c, "acme=3, beta=1")
		for _, err := range c.SearchResources(t.Context(), client.WhichMay("u", client.ActionView, client.TypeProduct)) {
			t.Error(err)
		}
		if s.asked != "acme=3, beta=1" {
			t.Errorf("a search is asked at %q", s.asked)
		}
		if can, err := c.CanAll(t.Context(), []client.EvaluationRequest{client.Ask("u", "view", web)}); err != nil || !can[0] || s.asked != "acme=3, beta=1" {
			t.Errorf("a batch is asked at %q: %v, %v", s.asked, can, err)
		}
		if _, err := c.DeleteOrganization(t.Context(), "beta"); err != nil {
			t.Fatal(err)
		}
		want(c, "acme=3, beta=2") // that it is gone is seen, too
		time.Sleep(time.Minute)
		want(c, "acme=3, beta=2")
		time.Sleep(6 * time.Second)
		want(c, "") // every server knows of it, or answers nothing
	})
}

func TestTheRevisionsThatAreCarriedAreBounded(t *testing.T) {
	s := &counting{}
	c := s.client(t)
	for i := range 1100 {
		if _, err := c.PutOrganization(t.Context(), fmt.Sprintf("o%04d", i), client.OrganizationBody{}); err != nil {
			t.Fatal(err)
		}
	}
	var last []string
	for i := 1084; i < 1100; i++ {
		last = append(last, fmt.Sprintf("o%04d=1", i))
	}
	if got := s.at(t, c, client.OnProduct("web")); got != strings.Join(last, ", ") {
		t.Errorf("asked at %q", got)
	}
	// An organization that the question names comes first, as long as it is remembered.
	for organization, kept := range map[string]bool{"o0500": true, "o0076": true, "o0075": false, "o1099": true} {
		for _, on := range []client.Resource{client.OnOrganization(organization), client.OnUser(organization, "ann"), client.OnChannel(organization, client.ChannelIMAP)} {
			pairs := strings.Split(s.at(t, c, on), ", ")
			if slices.Contains(pairs, organization+"=1") != kept || len(pairs) != 16 || !slices.IsSorted(pairs) {
				t.Errorf("%s: asked at %q", organization, pairs)
			}
		}
	}
	// What is asked for in so many words comes before all.
	if pairs := strings.Split(s.at(t, c.AtLeast("mine", 5), client.OnUser("o0500", "ann")), ", "); !slices.Contains(pairs, "mine=5") ||
		!slices.Contains(pairs, "o0500=1") || len(pairs) != 16 {
		t.Errorf("asked at %q", pairs)
	}
}

func TestRevisionsAreCarriedByManyAtOnce(t *testing.T) {
	s := &counting{}
	c := s.client(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				if _, err := c.PutUser(t.Context(), fmt.Sprintf("o%d", i%4), "ann", client.UserBody{}); err != nil {
					t.Error(err)
				}
				if _, err := c.Can(t.Context(), "u", client.ActionManage, client.OnProduct("web")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := s.at(t, c, client.OnProduct("web")); got != "o0=100, o1=100, o2=100, o3=100" {
		t.Errorf("asked at %q", got) // an answer that was late takes nothing back
	}
}
