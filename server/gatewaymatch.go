package server

import (
	"net/http"
	"slices"
	"strings"

	"cordon/guard"
)

// gatewayRoute is one route of those that gateways ask about.
type gatewayRoute struct {
	hosts, methods []string
	path           []step
	set            string // the policy set that is asked; empty: the built-in one
	action         string
	resource       guard.Entity // with the names of segments in braces
}

// step is what a segment of a path must be.
type step struct {
	text string // itself, or its name
	name bool   // anything, which has this name
	rest bool   // all that is left, of at least one segment
}

// match gives the route of a request, the first in the file that fits, and what the named segments of its path are.
func (g *gateway) match(asked *forwarded) (*gatewayRoute, map[string]string, error) {
	var like *gatewayRoute // the first that somebody would take who does not look at capitals
	for _, r := range g.routes {
		switch {
		case !r.answers(asked.method) || !r.serves(asked.host):
		case !follow(r.path, asked.path, func(a, b string) bool { return a == b }):
			if like == nil && fold(r.path, asked.path) {
				like = r
			}
		case like != nil && !like.asksAs(r):
			// An upstream that does not tell the two apart would carry out what the other is about.
			return nil, nil, because(errNoRoute, "the path is that of an earlier route but for capitals or a slash at its end")
		default:
			return r, r.values(asked.path), nil
		}
	}
	return nil, nil, because(errNoRoute, "no route is for this method, host and path")
}

// asksAs tells whether two routes that take paths of one form ask the same of them.
func (r *gatewayRoute) asksAs(other *gatewayRoute) bool {
	named := func(s step) step {
		if !s.name {
			return step{}
		}
		return s
	}
	return r.set == other.set && r.action == other.action && r.resource == other.resource &&
		slices.EqualFunc(unslashed(r.path), unslashed(other.path), func(a, b step) bool { return named(a) == named(b) })
}

// answers tells whether a route is for a method. Who may read something may ask for its head.
func (r *gatewayRoute) answers(method string) bool {
	return slices.Contains(r.methods, method) || method == http.MethodHead && slices.Contains(r.methods, http.MethodGet)
}

// serves tells whether a route is for a host; *.example.com is for each name before it, without a dot in it.
func (r *gatewayRoute) serves(host string) bool {
	return slices.ContainsFunc(r.hosts, func(known string) bool {
		if parent, wild := strings.CutPrefix(known, "*"); wild {
			label, ends := strings.CutSuffix(host, parent)
			return parent == "" || ends && label != "" && !strings.Contains(label, ".")
		}
		return known == host
	})
}

// fold tells whether a path would be a route's for somebody who does not look at capitals, nor at slashes at the end.
func fold(steps []step, path []string) bool {
	return follow(unslashed(steps), unslashed(path), strings.EqualFold)
}

// unslashed leaves away a slash at the end.
func unslashed[T comparable](path []T) []T {
	var none T
	if n := len(path); n > 1 && path[n-1] == none {
		return path[:n-1]
	}
	return path
}

// follow tells whether a path goes the steps of a route.
func follow(steps []step, path []string, same func(a, b string) bool) bool {
	for i, s := range steps {
		switch {
		case i == len(path):
			return false
		case s.rest:
			return path[i] != ""
		case s.name && path[i] == "", !s.name && !same(s.text, path[i]):
			return false
		}
	}
	return len(steps) == len(path)
}

func (r *gatewayRoute) values(path []string) map[string]string {
	values := map[string]string{}
	for i, s := range r.path {
		switch {
		case s.rest:
			values[s.text] = strings.Join(path[i:], "/")
		case s.name:
			values[s.text] = path[i]
		}
	}
	return values
}

// question is what is asked of a request.
func (r *gatewayRoute) question(user string, values map[string]string) guard.Question {
	return guard.Question{
		Subject: guard.Entity{Type: "user", ID: user},
		Action:  guard.Action{Name: r.action},
		Resource: guard.Entity{
			Type: r.resource.Type, ID: expand(r.resource.ID, values), Organization: expand(r.resource.Organization, values),
		},
	}
}

// input is the question as a policy set sees it: with the request in its context.
func (r *gatewayRoute) input(q *guard.Question, asked *forwarded, values map[string]string) ([]byte, error) {
	resource := map[string]any{"type": q.Resource.Type, "id": q.Resource.ID}
	if q.Resource.Organization != "" {
		resource["properties"] = map[string]string{"organization": q.Resource.Organization}
	}
	return render(map[string]any{
		"subject": map[string]string{"type": q.Subject.Type, "id": q.Subject.ID}, "action": map[string]string{"name": q.Action.Name}, "resource": resource,
		"context": map[string]any{"method": asked.method, "host": asked.host, "path": asked.path, "segments": values},
	})
}

// expand puts the segments of a path in the place of their names.
func expand(text string, values map[string]string) string {
	return braces.ReplaceAllStringFunc(text, func(name string) string { return values[strings.Trim(name, "{}")] })
}
