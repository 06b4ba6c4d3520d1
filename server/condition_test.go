package server_test

import (
	"net/http"
	"testing"

	"cordon.example/client"
)

// What is said and answered is held against openapi.yaml.
func TestTheDocumentKnowsConditionsAndPatches(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	merge := set("Content-Type", "application/merge-patch+json")
	for path, patch := range map[string]any{
		acmePath:                 acmeName(),
		shopPath:                 acmeName(),
		acmePath + "/users/carl": client.UserPatch{Role: new(client.RoleClient), Grants: []string{}, Notify: &client.NotifyBody{ProductEvents: new(false)}},
	} {
		tag := w.do(t, http.MethodGet, path, nil).want(t, http.StatusOK).header.Get("ETag")
		w.do(t, http.MethodGet, path, nil, set("If-None-Match", tag)).want(t, http.StatusNotModified)
		changed := w.do(t, http.MethodPatch, path, patch, merge, set("If-Match", tag)).want(t, http.StatusOK)
		if now := changed.header.Get("ETag"); now == "" || now == tag {
			t.Errorf("%s: the tag is %q, was %q", path, now, tag)
		}
		w.do(t, http.MethodPatch, path, patch, merge, set("If-Match", tag)).refused(t, http.StatusPreconditionFailed, "precondition_failed")
		w.do(t, http.MethodDelete, path, nil, set("If-Match", tag)).refused(t, http.StatusPreconditionFailed, "precondition_failed")
		w.do(t, http.MethodPatch, path, patch).refused(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
	}
}

func acmeName() client.NamePatch { return client.NamePatch{Name: new("Another")} }
