package server_test

import (
	"net/http"
	"testing"
)

func TestAPurposeSaysSomething(t *testing.T) { // docs/design.md 13, Purpose
	w := newWorld(t)
	for value, status := range map[string]int{"T-17": http.StatusOK, "": http.StatusBadRequest, " ": http.StatusBadRequest, "\u00a0": http.StatusBadRequest} {
		w.do(t, http.MethodGet, "/v1/decisions", nil, func(r *http.Request) { r.Header["Cordon-Purpose"] = []string{value} }).want(t, status)
	}
	w.do(t, http.MethodGet, "/v1/decisions", nil, func(r *http.Request) { r.Header["Cordon-Purpose"] = []string{"one", "two"} }).want(t, http.StatusBadRequest)
}
