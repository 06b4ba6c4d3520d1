package server

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cordon.example/client"
)

// dataAnswer is an answer in the shape of the Data API of Open Policy Agent. Without a result it is undefined.
type dataAnswer struct {
	DecisionID  string           `json:"decision_id,omitzero"`
	Provenance  *provenance      `json:"provenance,omitzero"`
	Explanation jsontext.Value   `json:"explanation,omitzero"`
	Metrics     map[string]int64 `json:"metrics,omitzero"`
	Result      jsontext.Value   `json:"result,omitzero"`
	Warning     *dataWarning     `json:"warning,omitzero"`

	policy string // that decided
}

type dataWarning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// provenance is by what was decided. OPA's server tells how and where it was built as well; that is nobody's business here.
type provenance struct {
	Version   string                    `json:"version"`
	Commit    string                    `json:"build_commit"`
	Timestamp string                    `json:"build_timestamp"`
	Hostname  string                    `json:"build_hostname"`
	Bundles   map[string]bundleRevision `json:"bundles"`
}

type bundleRevision struct {
	Revision string `json:"revision"`
}

// dataError is an error in the shape of OPA's server.
type dataError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// answerData writes an answer as OPA's server does: on one line, or for people.
func (c *call) answerData(a *dataAnswer) error {
	return c.sendData(http.StatusOK, a, c.wants("pretty"))
}

func (c *call) sendData(status int, v any, pretty bool) error {
	options := []json.Options{json.Deterministic(true)}
	if pretty {
		options = append(options, jsontext.WithIndent("  "))
	}
	body, err := json.Marshal(v, options...)
	if err != nil {
		return err
	}
	c.send(status, append(body, '\n'))
	return nil
}

// failData answers an error as OPA's server does: what is wrong with a request is 400, whatever it is. What OPA has no word
// for keeps ours.
func (c *call) failData(p *client.Problem) {
	e := dataError{Code: p.Code, Message: p.Detail}
	switch status := p.Status; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Code = "unauthorized"
	case status == http.StatusNotFound:
		e.Code = "resource_not_found"
	case status == http.StatusMethodNotAllowed:
		e.Code = "invalid_operation"
	case status == http.StatusTooManyRequests:
	case status < http.StatusInternalServerError:
		p.Status, e.Code = http.StatusBadRequest, "invalid_parameter"
	default:
		e.Code = "internal_error"
	}
	_ = c.sendData(p.Status, e, true) // of two strings: it cannot fail
}
