package client_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
)

// Whatever a server, or what stands between, answers: yes is what says so in so many words, and nothing is a panic.
func FuzzAnAnswer(f *testing.F) {
	for _, body := range []string{
		`{"decision":true}`, `{"decision":false,"context":{"reasons":[{"code":"not_granted","message":"m"}]}}`, `{"decision":true,"context":{"error":{"status":500}}}`,
		`{"Decision":true}`, `{"decision":false,"decision":true}`, `{"evaluations":[{"decision":true}]}`, `{"results":[{"type":"user","id":"ann"}],"page":{"next_token":"t"}}`,
		`[true]`, `null`, ``, `{"decision":1}`, "{\"decision\":true,\"\u017fo\":1}",
	} {
		f.Add(body, 200)
		f.Add(body, 403)
	}
	f.Fuzz(func(t *testing.T, body string, status int) {
		if status < 200 || status > 599 {
			status = 200
		}
		s := &script{steps: []func(*http.Request) (*http.Response, error){says(status, body)}}
		c, err := client.New(client.Config{URL: "http://cordon.example", Key: "k", Tries: 1, HTTPClient: &http.Client{Transport: s}})
		if err != nil {
			t.Fatal(err)
		}
		can, err := c.Can(t.Context(), "u", client.ActionManage, client.OnProduct("p"))
		if can {
			var said map[string]json.RawMessage
			if err != nil || status > 299 || json.Unmarshal([]byte(body), &said) != nil || string(said["decision"]) != "true" {
				t.Errorf("%d %q is a yes, with %v", status, body, err)
			}
		}
		all, err := c.CanAll(t.Context(), []client.EvaluationRequest{client.Ask("u", client.ActionManage, client.OnProduct("p"))})
		if len(all) != 1 && err == nil || len(all) == 1 && all[0] && strings.Count(body, "true") == 0 {
			t.Errorf("%d %q: %v, %v", status, body, all, err)
		}
		found := 0
		for range c.SearchSubjects(t.Context(), client.WhoMay(client.ActionManage, client.OnProduct("p"))) {
			if found++; found > 1000 {
				break
			}
		}
		_, _ = c.BlockProduct(t.Context(), "acme", "p", client.BlockRequest{})
	})
}

// No bytes that were not signed are an event.
func FuzzAWebhook(f *testing.F) {
	f.Add("m1", "1", "v1,AAAA", []byte(`{"type":"user.blocked"}`))
	f.Add("", "", "", []byte{})
	f.Add("m1", "9223372036854775807", "v1, v1,= v2,x", bytes.Repeat([]byte("["), 1000))
	f.Fuzz(func(t *testing.T, id, at, signature string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {signature}}
		if event, err := client.VerifyWebhook(h, body, secretOf("a key that nobody knows")); err == nil {
			t.Errorf("%+v", event)
		}
	})
}
