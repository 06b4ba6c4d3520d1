package client

import "net/http"

// refusal is the answer to a request that is not let pass, as a hook of the service gives it. What the hook leaves out
// must not be read as a yes: net/http would answer 200 where nobody said a status.
type refusal struct {
	http.ResponseWriter
	status   int // of what is written without one
	answered bool
}

// WriteHeader notes that the hook answers. An informational status is none of an answer yet.
func (r *refusal) WriteHeader(status int) {
	r.answered = r.answered || status >= 200
	r.ResponseWriter.WriteHeader(status)
}

// Write answers with the status of the refusal, unless the hook said another one.
func (r *refusal) Write(body []byte) (int, error) {
	if !r.answered {
		r.WriteHeader(r.status)
	}
	return r.ResponseWriter.Write(body)
}

// Flush sends what is there, for hooks that stream.
func (r *refusal) Flush() {
	if !r.answered {
		r.WriteHeader(r.status)
	}
	_ = http.NewResponseController(r.ResponseWriter).Flush() // who cannot flush sends it at the end
}

// Unwrap is for an [http.ResponseController].
func (r *refusal) Unwrap() http.ResponseWriter { return r.ResponseWriter }
