package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Where things are. The first is a path already.
const (
	organizations = "v1/organizations"
	users         = "users"
	products      = "products"
)

// segments splits the constant part of a path; ids that follow stay whole and are escaped later.
func segments(first string, rest []string) []string {
	return append(strings.Split(first, "/"), rest...)
}

// one calls a method of a resource and reads what it answers.
func one[T any](ctx context.Context, c *Client, method string, body any, first string, rest ...string) (T, error) {
	var out, none T
	header, err := c.do(ctx, call{method: method, path: segments(first, rest), body: body}, &out)
	if err != nil {
		return none, err
	}
	if object, ok := any(&out).(tagged); ok {
		object.tag(header.Get("ETag"))
	}
	return out, nil
}

// pageSize is how many items a list fetches at once: the most that the server gives.
const pageSize = 500

// list gives all items of a list, page by page. It ends after the first error. The caller may stop
// at any item; pages that were not reached are not fetched.
func list[T any](ctx context.Context, c *Client, query url.Values, first string, rest ...string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q := url.Values{"limit": {strconv.Itoa(pageSize)}}
		for k, v := range query {
			q[k] = v
		}
		for {
			var page List[T]
			if _, err := c.do(ctx, call{method: http.MethodGet, path: segments(first, rest), query: q}, &page); err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.NextCursor == "" {
				return
			}
			q.Set("cursor", page.NextCursor)
		}
	}
}
