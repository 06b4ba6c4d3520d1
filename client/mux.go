package client

import (
	"net/http"
	"sync"
)

// routed asks around a whole mux: a request is routed first, so that the config's functions find its Pattern and
// its path values, and what the question was about is what the handler is given.
type routed struct {
	config *MiddlewareConfig
	mux    *http.ServeMux

	mu     sync.RWMutex
	routes map[string]*http.ServeMux  // by pattern: a mux that has this pattern alone
	inner  map[*http.ServeMux]*routed // around those that are handlers of this one
}

func newRouted(config *MiddlewareConfig, mux *http.ServeMux) *routed {
	return &routed{config: config, mux: mux, routes: map[string]*http.ServeMux{}, inner: map[*http.ServeMux]*routed{}}
}

// ServeHTTP asks about a request for which the mux has a handler. What it has none for it answers itself, with
// 404, 405 or a redirect, and nobody is asked.
func (m *routed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, pattern := m.mux.Handler(r) // it leaves r as it is
	if pattern == "" {
		handler.ServeHTTP(w, r)
		return
	}
	// A mux of one pattern reads path values just as the whole one does, and redirects where that does.
	a := &arrival{ResponseWriter: w}
	kept(&m.mu, m.routes, pattern, func() *http.ServeMux {
		one := http.NewServeMux()
		one.HandleFunc(pattern, arrive)
		return one
	}).ServeHTTP(a, r)
	if !a.arrived {
		return
	}
	if mux, ok := handler.(*http.ServeMux); ok {
		kept(&m.mu, m.inner, mux, func() *routed { return newRouted(m.config, mux) }).ServeHTTP(w, r)
		return
	}
	m.config.around(handler).ServeHTTP(w, r)
}

// kept gives the value of a key, made where there is none yet.
func kept[K comparable, V any](mu *sync.RWMutex, values map[K]V, key K, build func() V) V {
	mu.RLock()
	value, ok := values[key]
	mu.RUnlock()
	if ok {
		return value
	}
	mu.Lock()
	defer mu.Unlock()
	if value, ok = values[key]; !ok {
		value = build()
		values[key] = value
	}
	return value
}

// arrival notes that a request came to a handler, and was not redirected on its way.
type arrival struct {
	http.ResponseWriter
	arrived bool
}

func arrive(w http.ResponseWriter, _ *http.Request) {
	if a, ok := w.(*arrival); ok {
		a.arrived = true
	}
}
