package server_test

import (
	"net/http"
	"testing"

	"cordon.example/client"
	"cordon/guard"
)

// A version is asked beside the one in force, shown, and asked no more; what is none is refused.
func TestAShadowIsSetShownAndEnded(t *testing.T) { // docs/design.md 12, Shadow
	w := newWorld(t, options{library: true})
	digest := w.push(t, draft("Europe/Zurich"))
	key := w.scoped(t, guard.ScopePolicy)
	var got client.PolicyShadow
	w.do(t, http.MethodPut, setPath+"/shadow", client.PolicyShadowing{Digest: digest, Sample: 0.5}, key, as("lena")).want(t, http.StatusOK).into(t, &got)
	if got.Shadow != digest || got.Sample != 0.5 || got.Policy == digest {
		t.Errorf("got %+v", got)
	}
	w.do(t, http.MethodPut, setPath+"/shadow", client.PolicyShadowing{Digest: digest, Sample: 2}, key, as("lena")).want(t, http.StatusBadRequest)
	w.do(t, http.MethodPut, setPath+"/shadow", client.PolicyShadowing{Digest: got.Policy, Sample: 1}, key, as("lena")).refused(t, http.StatusConflict, "already_active")
	w.do(t, http.MethodPut, setPath+"/shadow", client.PolicyShadowing{Digest: digest, Sample: 1}, key).want(t, http.StatusBadRequest) // nobody acts
	w.do(t, http.MethodDelete, setPath+"/shadow", nil, key, as("lena")).want(t, http.StatusOK)
	got = client.PolicyShadow{}
	w.do(t, http.MethodGet, setPath+"/shadow", nil, key).want(t, http.StatusOK).into(t, &got)
	if got.Shadow != "" || got.Policy == "" {
		t.Errorf("got %+v", got)
	}
}
