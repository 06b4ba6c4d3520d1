package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"cordon.example/client"
	"cordon/server"
)

// witness holds what is exchanged against openapi.yaml: every answer must be as it says, and every
// request that was not refused, too.
type witness struct {
	t    testing.TB
	next http.RoundTripper
	documents
}

// documents is openapi.yaml twice: for what is sent as it stands, and for answers without leave to say more than it
// names. Callers are told that answers may grow; a member that nobody described is a mistake here.
type documents struct {
	asked, answered routers.Router
	codes           []string // that a problem may have: the list is open to callers, and whole here
}

var readDocuments = sync.OnceValues(func() (documents, error) {
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/ndjson", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/jsonl", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/csv", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.FileBodyDecoder)
	var read documents
	for _, closed := range []bool{false, true} {
		parsed, err := openapi3.NewLoader().LoadFromData(server.OpenAPI())
		if err != nil {
			return read, err
		}
		parsed.Servers = nil // wherever it is served
		if closed {
			closeAnswers(parsed)
		}
		router, err := legacy.NewRouter(parsed)
		if err != nil {
			return read, err
		}
		if closed {
			read.answered, read.codes = router, named(parsed, "ProblemCode")
		} else {
			read.asked = router
		}
	}
	return read, nil
})

func newWitness(t testing.TB, next http.RoundTripper) *witness {
	t.Helper()
	read, err := readDocuments()
	if err != nil {
		t.Fatal(err)
	}
	return &witness{t: t, next: next, documents: read}
}

func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	res, err := w.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(got))
	if err != nil {
		return res, err
	}
	if res.Header.Get("X-Request-ID") == "" {
		w.t.Errorf("%s %s: an answer without X-Request-ID", req.Method, req.URL.Path)
	}
	req = req.Clone(req.Context())
	if document, ok := strings.CutPrefix(req.URL.Path, "/v1/data/"); ok { // OpenAPI has no parameter with a slash in it
		req.URL.Path, req.URL.RawPath = "/v1/data/"+strings.ReplaceAll(document, "/", "."), ""
	}
	route, parameters, err := w.asked.FindRoute(req)
	if err != nil {
		escaped := req.URL.RawPath != "" && res.StatusCode == http.StatusBadRequest // an escaped slash is no other path to us
		refused := []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusMethodNotAllowed}
		if !slices.Contains(refused, res.StatusCode) && !escaped {
			w.t.Errorf("%s %s was answered %d, and is not in openapi.yaml", req.Method, req.URL.Path, res.StatusCode)
		}
		return res, nil
	}
	check := req.Clone(req.Context())
	check.Body = io.NopCloser(bytes.NewReader(sent))
	if unpacked, err := gzip.NewReader(bytes.NewReader(sent)); err == nil {
		check.Body, check.GetBody = io.NopCloser(unpacked), nil
	}
	input := &openapi3filter.RequestValidationInput{
		Request: check, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true,
			ExcludeResponseBody: req.Method == http.MethodHead || route.Path == "/openapi.yaml",
		},
	}
	// An item that is not as the document says is answered in its place, and nothing else is refused.
	inPlace := strings.HasSuffix(route.Path, "/access/v1/evaluations") && bytes.Contains(got, []byte(`"error":`))
	if res.StatusCode < http.StatusBadRequest && !inPlace {
		if err := openapi3filter.ValidateRequest(req.Context(), input); err != nil {
			w.t.Errorf("%s %s was accepted, and is not as openapi.yaml says: %v", req.Method, req.URL.Path, err)
		}
	}
	if res.Header.Get("Content-Type") == client.ProblemType && len(got) > 0 {
		var p client.Problem
		if err := json.Unmarshal(got, &p); err != nil || !slices.Contains(w.codes, p.Code) {
			w.t.Errorf("%s %s: the code %q is not in openapi.yaml (%v)", req.Method, req.URL.Path, p.Code, err)
		}
	}
	if input.Route, _, err = w.answered.FindRoute(req); err != nil {
		return res, err
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: res.StatusCode, Header: res.Header, Options: input.Options,
		Body: io.NopCloser(bytes.NewReader(got)),
	}
	if err := openapi3filter.ValidateResponse(req.Context(), answer); err != nil {
		w.t.Errorf("%s %s: the answer %d is not as openapi.yaml says: %v\n%s", req.Method, req.URL.Path, res.StatusCode, err, got)
	}
	return res, nil
}
