package server_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func BenchmarkGateway(b *testing.B) {
	w, key := newGateway(b, byHeader, quiet)
	handler := w.server.Handler()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		req := httptest.NewRequest(http.MethodGet, "/gateway/nginx", nil)
		req.RemoteAddr = "127.0.0.1:5"
		for _, edit := range []edit{key, forwarding("GET", "panel.example", "/organizations/acme/products/shop?x=1"), user("anna")} {
			edit(req)
		}
		answer := &discard{header: http.Header{}}
		for pb.Next() {
			clear(answer.header)
			handler.ServeHTTP(answer, req)
		}
	})
}
