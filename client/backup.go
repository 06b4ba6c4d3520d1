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
	target, err := c.target(call{path: []string{"v1", "backup"}})
	if err != nil {
		return nil, fmt.Errorf("back up: %w", err)
	}
	header := c.header()
	header.Set("Accept", "*/*")
	res, err := c.send(ctx, http.MethodPost, target, header, nil) //nolint:bodyclose // the caller closes it
	if err != nil {
		return nil, fmt.Errorf("back up: %w", err)
	}
	return res.Body, nil
}
