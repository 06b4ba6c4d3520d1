package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Inclusion proves that a record is a leaf of the log's tree (RFC 6962). The entry of the leaf is the SHA-256 of the
// record's line in the NDJSON export, without the newline.
type Inclusion struct {
	LeafIndex  int64    `json:"leaf_index"`
	TreeSize   int64    `json:"tree_size"`
	Hashes     []string `json:"hashes"` // base64
	Checkpoint string   `json:"checkpoint"`
}

// Consistency proves that the log of one size goes on from that of a smaller one (RFC 6962).
type Consistency struct {
	From   int64    `json:"from"`
	To     int64    `json:"to"`
	Hashes []string `json:"hashes"` // base64
}

// AuditStatus says how the log stands, and whether it is what was signed.
type AuditStatus struct {
	Key        string        `json:"key"`
	Checkpoint string        `json:"checkpoint"`
	Sealed     int64         `json:"sealed"`   // records
	Unsealed   int64         `json:"unsealed"` // records that are sealed soon
	Streams    []AuditStream `json:"streams"`
	Gaps       int64         `json:"gaps"`    // in the numbers of all streams
	Missing    int64         `json:"missing"` // records in them
	NewestGaps []AuditGap    `json:"newest_gaps"`
	Check      AuditCheck    `json:"check"`
	Witness    *AuditWitness `json:"witness,omitempty"` // nil: there is none
}

// AuditStream is the numbered records of one writer.
type AuditStream struct {
	Stream string `json:"stream"`
	First  int64  `json:"first"`
	Last   int64  `json:"last"`
	Sealed int64  `json:"sealed"` // up to which number
}

// AuditGap is numbers of a stream whose records are lost.
type AuditGap struct {
	Record string    `json:"record"` // that says so
	Stream string    `json:"stream"`
	From   int64     `json:"from"`
	To     int64     `json:"to"`
	Time   time.Time `json:"time"`
}

// AuditCheck is what the answering server found when it last held a part of the log against the tree.
type AuditCheck struct {
	At      time.Time `json:"at,omitzero"`
	Records int64     `json:"records"`           // that it compared since it started
	Problem string    `json:"problem,omitempty"` // empty: all that was looked at is what was signed
}

// AuditWitness is the second place for checkpoints.
type AuditWitness struct {
	Place   string    `json:"place"`
	Size    int64     `json:"size"` // of the last checkpoint that it took
	At      time.Time `json:"at,omitzero"`
	Problem string    `json:"problem,omitempty"`
}

// AuditKey gives the verifier key, which checks what the log signs: one line, a note key.
func (c *Client) AuditKey(ctx context.Context) (string, error) {
	text, err := c.text(ctx, "v1/audit/key")
	return strings.TrimSpace(string(text)), err
}

// AuditCheckpoint gives the signed checkpoint of all that is sealed (C2SP tlog-checkpoint).
func (c *Client) AuditCheckpoint(ctx context.Context) (string, error) {
	text, err := c.text(ctx, "v1/audit/checkpoint")
	return string(text), err
}

// AuditInclusion proves that a record is in the log. ErrConflict: it is not sealed yet.
func (c *Client) AuditInclusion(ctx context.Context, id string) (Inclusion, error) {
	var proof Inclusion
	_, err := c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "audit", "inclusion"}, query: url.Values{"id": {id}}}, &proof)
	return proof, err
}

// AuditConsistency proves that the log of to records goes on from that of from records.
func (c *Client) AuditConsistency(ctx context.Context, from, to int64) (Consistency, error) {
	var proof Consistency
	_, err := c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "audit", "consistency"},
		query: url.Values{"from": {strconv.FormatInt(from, 10)}, "to": {strconv.FormatInt(to, 10)}}}, &proof)
	return proof, err
}

// AuditTile gives a tile of the log's tree by its path, such as tile/0/x001/234 (C2SP tlog-tiles).
func (c *Client) AuditTile(ctx context.Context, path string) ([]byte, error) {
	return c.text(ctx, "v1/audit/"+path)
}

// AuditStatus says how the log stands.
func (c *Client) AuditStatus(ctx context.Context) (AuditStatus, error) {
	var status AuditStatus
	_, err := c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "audit", "status"}}, &status)
	return status, err
}

// text reads an answer that is no JSON.
func (c *Client) text(ctx context.Context, path string) (body []byte, err error) {
	what := "GET /" + path
	target, err := c.target(call{path: strings.Split(path, "/")})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	header := c.header()
	header.Set("Accept", "*/*")
	err = c.retry(ctx, c.limits(false), func(ctx context.Context) error {
		res, err := c.send(ctx, http.MethodGet, target, header, nil)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		body, err = readBounded(res.Body)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return body, nil
}
