package server_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"cordon/datastore"
	"cordon/server"
)

// discard is a response writer that keeps nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

func benchmarkHandler(b *testing.B, handler http.Handler, path, body, key string) {
	b.Helper()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		reader := strings.NewReader(body)
		req := httptest.NewRequest(http.MethodPost, path, nil)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+key)
		req.ContentLength = int64(len(body))
		req.Body = io.NopCloser(reader)
		w := &discard{header: http.Header{}}
		for pb.Next() {
			reader.Reset(body)
			clear(w.header)
			handler.ServeHTTP(w, req)
		}
	})
}

func quiet(c *server.Config) { c.Log = slog.New(slog.DiscardHandler) }

func BenchmarkEvaluation(b *testing.B) {
	w := newWorld(b, options{server: quiet, open: true})
	w.acme(b)
	w.ask(b, "anna", "manage", "product", "shop")
	b.Run("usual", func(b *testing.B) {
		benchmarkHandler(b, w.server.Handler(), single, plainQuestion, w.key)
	})
	b.Run("unusual", func(b *testing.B) {
		benchmarkHandler(b, w.server.Handler(), single, strings.Replace(plainQuestion, `{"subject"`, `{"context":{"ip":"10.1.2.3"},"subject"`, 1), w.key)
	})
	b.Run("batch of 50", func(b *testing.B) {
		body := plainQuestion[:len(plainQuestion)-1] + `,"evaluations":[` + strings.Repeat(`{"resource":{"type":"product","id":"shop"}},`, 49) + `{"resource":{"type":"product","id":"mail"}}]}`
		benchmarkHandler(b, w.server.Handler(), many, body, w.key)
	})
	b.Run("bare Echo", func(b *testing.B) {
		e := echo.New()
		answer := []byte(`{"decision":true,"context":{"reasons":[{"code":"administrator","message":"You may do this as an administrator."}]}}`)
		e.POST(single, func(c echo.Context) error { return c.JSONBlob(http.StatusOK, answer) })
		benchmarkHandler(b, e, single, plainQuestion, w.key)
	})
}

// BenchmarkReading shows what the second way of reading a body buys.
func BenchmarkReading(b *testing.B) {
	b.Run("scanner", func(b *testing.B) {
		for b.Loop() {
			if _, ok := server.ScanQuestion(plainQuestion); !ok {
				b.Fatal("it gave up")
			}
		}
	})
	b.Run("reader", func(b *testing.B) {
		for b.Loop() {
			if _, err := server.ReadQuestion(plainQuestion); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSearch asks for the first page of 50 of what a collaborator of 3,000 products may manage.
func BenchmarkSearch(b *testing.B) {
	w := newWorld(b, options{server: quiet, open: true})
	carl := datastore.Member{Organization: "acme", ID: "carl", Role: datastore.Collaborator}
	nouns := []datastore.Noun{datastore.Organization{ID: "acme", Revision: 1}}
	for i := range 3000 {
		carl.Grants = append(carl.Grants, fmt.Sprintf("p-%06d", i))
		nouns = append(nouns, datastore.Product{Organization: "acme", ID: carl.Grants[i], Name: "a product", Kind: "web_hosting"})
	}
	if err := w.store.Update(b.Context(), func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, append(nouns, carl)...) }); err != nil {
		b.Fatal(err)
	}
	const body = `{"subject":{"type":"user","id":"carl"},"action":{"name":"manage"},"resource":{"type":"product"}}`
	if got := w.do(b, http.MethodPost, "/access/v1/search/resource", body); !strings.Contains(got.body, `"count":50`) {
		b.Fatal(got.status, got.body)
	}
	benchmarkHandler(b, w.server.Handler(), "/access/v1/search/resource", body, w.key)
}
