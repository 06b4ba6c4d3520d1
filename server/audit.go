package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"cordon.example/client"
	"cordon/guard"
)

// tilePaths are the paths of tiles: three digits of a tile's number to a segment, and at last the width of a partial one.
var tilePaths = []string{"/{level}/{tile}", "/{level}/{a}/{tile}", "/{level}/{a}/{b}/{tile}", "/{level}/{a}/{b}/{c}/{tile}"}

// say answers plain text.
func (c *call) say(text []byte) error {
	c.header().Set("Content-Type", "text/plain; charset=utf-8")
	c.send(http.StatusOK, text)
	return nil
}

func auditKey(c *call) error {
	key, err := c.server.config.Guard.AuditKey(c.context(), &c.origin)
	if err != nil {
		return err
	}
	return c.say([]byte(key + "\n"))
}

func auditCheckpoint(c *call) error {
	checkpoint, err := c.server.config.Guard.Checkpoint(c.context(), &c.origin)
	if err != nil {
		return err
	}
	return c.say(checkpoint)
}

func auditInclusion(c *call) error {
	id, err := needed(c.req.URL.Query(), "id")
	if err != nil {
		return err
	}
	proof, err := c.server.config.Guard.Inclusion(c.context(), &c.origin, id)
	if err != nil {
		return err
	}
	answer := client.Inclusion{LeafIndex: proof.Leaf, TreeSize: proof.Size, Hashes: []string{}, Checkpoint: string(proof.Checkpoint)}
	for _, hash := range proof.Hashes {
		answer.Hashes = append(answer.Hashes, hash.String())
	}
	return c.answer(http.StatusOK, answer)
}

func auditConsistency(c *call) error {
	query := c.req.URL.Query()
	from, err := size(query, "from")
	if err != nil {
		return err
	}
	to, err := size(query, "to")
	if err != nil {
		return err
	}
	hashes, err := c.server.config.Guard.Consistency(c.context(), &c.origin, from, to)
	if errors.Is(err, guard.ErrBeyond) {
		return because(errQuery, "from is at most to, and to at most the size in the checkpoint: the log has not more records")
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, client.Consistency{From: from, To: to, Hashes: hashes})
}

// needed reads a query parameter that must be there.
func needed(query url.Values, name string) (string, error) {
	value, err := single(query, name)
	if err == nil && value == "" {
		err = because(errQuery, name+" is missing")
	}
	return value, err
}

// size reads a number of records.
func size(query url.Values, name string) (int64, error) {
	value, err := needed(query, name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		return 0, because(errQuery, fmt.Sprintf("%s must be a number of records, the size in a checkpoint", name))
	}
	return n, nil
}

func auditTile(c *call) error {
	path := "tile"
	for _, name := range c.route.names {
		path += "/" + c.param(name)
	}
	tile, err := c.server.config.Guard.Tile(c.context(), &c.origin, path)
	if err != nil {
		return err
	}
	c.header().Set("Content-Type", "application/octet-stream")
	c.send(http.StatusOK, tile)
	return nil
}

func auditStatus(c *call) error {
	a, err := c.server.config.Guard.Account(c.context(), &c.origin)
	if err != nil {
		return err
	}
	status := client.AuditStatus{
		Key: a.Key, Checkpoint: string(a.Checkpoint), Sealed: a.Sealed, Unsealed: a.Unsealed, Gaps: a.Gaps, Missing: a.Missing,
		Streams: []client.AuditStream{}, NewestGaps: []client.AuditGap{},
		Check: client.AuditCheck{At: utc(a.Check.At), Records: a.Check.Records, Problem: a.Check.Problem},
	}
	for _, s := range a.Streams {
		status.Streams = append(status.Streams, client.AuditStream{Stream: s.Name, First: s.First, Last: s.Last, Sealed: s.Sealed})
	}
	for _, g := range a.Newest {
		status.NewestGaps = append(status.NewestGaps, client.AuditGap{Record: g.Record, Stream: g.Stream, From: g.From, To: g.To, Time: g.Time.UTC()})
	}
	if w := a.Witness; w.Place != "" {
		status.Witness = &client.AuditWitness{Place: w.Place, Size: w.Size, At: utc(w.At), Problem: w.Problem}
	}
	return c.answer(http.StatusOK, status)
}

// auditRoutes are those of an auditor.
func auditRoutes() []*route {
	const base = "/v1/audit"
	scopes := []string{guard.ScopeAudit}
	table := []*route{
		{path: base + "/key", handle: auditKey},
		{path: base + "/checkpoint", handle: auditCheckpoint},
		{path: base + "/inclusion", query: []string{"id"}, handle: auditInclusion},
		{path: base + "/consistency", query: []string{"from", "to"}, handle: auditConsistency},
		{path: base + "/status", handle: auditStatus},
	}
	for _, path := range tilePaths {
		table = append(table, &route{path: base + "/tile" + path, handle: auditTile})
	}
	for _, r := range table {
		r.method, r.scopes, r.hostOnly = http.MethodGet, scopes, true
	}
	return table
}
