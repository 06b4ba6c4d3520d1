package client_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cordon.example/client"
)

func secretOf(text string) string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(text)) }

// signed gives the headers of a call, signed with keys.
func signed(id string, at time.Time, body string, keys ...string) http.Header {
	var signatures []string
	for _, key := range keys {
		mac := hmac.New(sha256.New, []byte(key))
		fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
	h.Set("webhook-signature", strings.Join(signatures, " "))
	return h
}

func TestACallOfAWebhookIsVerified(t *testing.T) {
	now := time.Now()
	const body = `{"type":"product.blocked","timestamp":"2026-01-02T03:04:05Z","data":{"organization":"acme","product":"web","by":"ann","revision":7,"new":1}}`
	good := signed("m1", now, body, "key")
	without := func(name string) http.Header {
		h := good.Clone()
		h.Del(name)
		return h
	}
	with := func(name, value string) http.Header {
		h := good.Clone()
		h.Set(name, value)
		return h
	}
	mine := []string{secretOf("key")}
	for name, test := range map[string]struct {
		header  http.Header
		body    string
		secrets []string
		want    error
	}{
		"good":                   {good, body, mine, nil},
		"the new of two secrets": {signed("m1", now, body, "old", "key"), body, mine, nil},
		"one of ours":            {good, body, []string{secretOf("other"), secretOf("key")}, nil},
		"a minute late":          {signed("m1", now.Add(-time.Minute), body, "key"), body, mine, nil},
		"an old one again":       {signed("m1", now.Add(-6*time.Minute), body, "key"), body, mine, client.ErrSignature},
		"from the future":        {signed("m1", now.Add(6*time.Minute), body, "key"), body, mine, client.ErrSignature},
		"another secret":         {signed("m1", now, body, "other"), body, mine, client.ErrSignature},
		"another body":           {good, strings.Replace(body, "ann", "eve", 1), mine, client.ErrSignature},
		"another id":             {with("webhook-id", "m2"), body, mine, client.ErrSignature},
		"another time":           {with("webhook-timestamp", fmt.Sprint(now.Unix()+1)), body, mine, client.ErrSignature},
		"a time that is none":    {with("webhook-timestamp", "soon"), body, mine, client.ErrSignature},
		"no id":                  {without("webhook-id"), body, mine, client.ErrSignature},
		"no signature":           {without("webhook-signature"), body, mine, client.ErrSignature},
		"an empty signature":     {with("webhook-signature", "v1,"), body, mine, client.ErrSignature},
		"of another version":     {with("webhook-signature", strings.Replace(good.Get("webhook-signature"), "v1,", "v2,", 1)), body, mine, client.ErrSignature},
		"no secret":              {good, body, nil, client.ErrSignature},
		"nothing at all":         {http.Header{}, "", mine, client.ErrSignature},
		"a key of nothing":       {signed("m1", now, body, ""), body, []string{"whsec_"}, errors.New("form")},
		"a secret that is none":  {good, body, []string{"whsec_!"}, errors.New("form")},
		"signed, and no event":   {signed("m1", now, "[]", "key"), "[]", mine, errors.New("read")},
	} {
		t.Run(name, func(t *testing.T) {
			event, err := client.VerifyWebhook(test.header, []byte(test.body), test.secrets...)
			if (err == nil) != (test.want == nil) || errors.Is(test.want, client.ErrSignature) != errors.Is(err, client.ErrSignature) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if err != nil && event.Type != "" {
				t.Errorf("it tells %+v", event)
			}
			if err == nil && (event.ID != "m1" || event.Type != client.EventProductBlocked || event.Data.By != "ann" || event.Data.Revision != 7 || event.Timestamp.Year() != 2026) {
				t.Errorf("got %+v", event)
			}
		})
	}
}
