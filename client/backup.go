package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Backup gives a copy of all that a server with an embedded store keeps, as a tar archive. The caller closes
// it; its last entry, manifest.json, says that it is whole and what the others must be. It is never asked for
// twice by itself.
func (c *Client) Backup(ctx context.Context) (io.ReadCloser, error) {
	res, err := c.open(ctx, call{method: http.MethodPost, path: []string{"v1", "backup"}}) //nolint:bodyclose // the caller closes it
	if err != nil {
		return nil, fmt.Errorf("back up: %w", err)
	}
	return res.Body, nil
}
