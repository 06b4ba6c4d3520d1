package server

import (
	"net/http"
	"strconv"

	"cordon.example/client"
	"cordon/guard"
)

// previewQuery is the parameter that asks what a block would do.
var previewQuery = []string{"preview"}

// previewed tells whether the call asks for a preview. Nothing of one is kept for an idempotency key:
// the act itself may follow under the same.
func (c *call) previewed() (bool, error) {
	query := c.req.URL.Query()
	if !query.Has("preview") {
		return false, nil
	}
	// Not even an empty one is passed over: the block would be done.
	preview, err := strconv.ParseBool(query.Get("preview"))
	if err != nil {
		return false, because(errQuery, "preview must be true or false")
	}
	if preview {
		c.origin.Once = nil
	}
	return preview, nil
}

// showPreview shows a result that was asked for as a preview.
func showPreview(r *guard.Result) (int, any) {
	p := client.Preview{Losses: []client.Loss{}, Mailed: listOf(r.Preview.Mailed), Unblockers: listOf(r.Preview.Unblockers), DecisionID: r.ID}
	for _, l := range r.Preview.Losses {
		p.Losses = append(p.Losses, client.Loss{User: l.User, Type: l.Type, Resources: l.Resources, Actions: l.Actions})
	}
	return http.StatusOK, p
}

// listOf makes an absent list an empty one.
func listOf(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}
