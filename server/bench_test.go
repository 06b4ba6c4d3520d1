package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

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
