package client

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// carriedFor is how long a change is carried: no server decides on facts that are older than a minute
	// (--max-staleness), so by then each knows of it.
	carriedFor = time.Minute + 5*time.Second
	// mostCarried bounds the organizations whose changes are remembered, mostPairs those of one question, as the server does.
	mostCarried = 1024
	mostPairs   = 16
)

// changes are the revisions that a client's own changes made. They are carried by its questions, so that what it
// changed it then sees, whichever replica answers.
type changes struct {
	mu   sync.Mutex
	made []change // the newest first
}

type change struct {
	organization string
	revision     int64
	at           time.Time
}

// note remembers what an answer says of a change.
func (c *changes) note(done call, answer http.Header) {
	if done.decide || len(done.path) < 3 || done.path[0] != "v1" || done.path[1] != "organizations" {
		return
	}
	organization := done.path[2]
	revision, _ := strconv.ParseInt(answer.Get(HeaderRevision), 10, 64)
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.IndexFunc(c.made, func(other change) bool { return other.organization == organization }); i >= 0 {
		revision = max(revision, c.made[i].revision) // answers may come in another order than the changes
		c.made = slices.Delete(c.made, i, i+1)
	}
	if revision == 0 {
		return
	}
	c.made = slices.Insert(c.made, 0, change{organization, revision, time.Now()})
	c.made = c.made[:min(len(c.made), mostCarried)]
}

// carried adds to the pairs of a question: first the organizations that it names, then those that were changed last.
func (c *changes) carried(pairs map[string]int64, named []string) map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.made) == 0 {
		return pairs
	}
	pairs = maps.Clone(pairs)
	if pairs == nil {
		pairs = map[string]int64{}
	}
	for _, all := range []bool{false, true} {
		for _, made := range c.made {
			if time.Since(made.at) > carriedFor {
				break
			}
			_, there := pairs[made.organization]
			if there || len(pairs) < mostPairs && (all || slices.Contains(named, made.organization)) {
				pairs[made.organization] = max(made.revision, pairs[made.organization])
			}
		}
	}
	return pairs
}

// AtLeast gives a client whose decisions about the organization are made at that revision or a later
// one, never at an earlier: ask with the revision that a change answered, and the decision knows of
// the change, whichever replica answers. A replica that does not get there in time gives
// [ErrTooStale].
//
// What this client or one made of it changed needs none of this: for a minute its questions carry the revision by
// themselves, of the organizations that they name and of those that were changed last, sixteen in all. An import has no
// revisions to carry.
func (c *Client) AtLeast(organization string, revision int64) *Client {
	d := *c
	d.atLeast = maps.Clone(c.atLeast)
	if d.atLeast == nil {
		d.atLeast = map[string]int64{}
	}
	d.atLeast[organization] = max(revision, d.atLeast[organization])
	return &d
}

// atLeastHeader is the value of Cordon-At-Least, empty where nothing is asked.
func (c *Client) atLeastHeader(named []string) string {
	asked := c.atLeast
	if c.set == "" { // other sets know nothing of organizations
		asked = c.shared.changes.carried(asked, named)
	}
	var pairs []string
	for _, organization := range slices.Sorted(maps.Keys(asked)) {
		pairs = append(pairs, organization+"="+strconv.FormatInt(asked[organization], 10))
	}
	return strings.Join(pairs, ", ")
}

// organizationOf gives the organization that a resource names, empty where it names none.
func organizationOf(r *Resource) string {
	if r == nil {
		return ""
	}
	if r.Type == TypeOrganization {
		return r.ID
	}
	named, _ := r.Properties["organization"].(string)
	return named
}

// organizations gives those that a batch names.
func (r *EvaluationsRequest) organizations() []string {
	named := []string{organizationOf(r.Resource)}
	for i := range r.Evaluations {
		if one := organizationOf(r.Evaluations[i].Resource); one != "" && one != named[len(named)-1] {
			named = append(named, one)
		}
	}
	return named
}
