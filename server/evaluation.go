package server

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"cordon.example/client"
	"cordon/guard"
)

// evaluation answers one question (AuthZEN 1.0, 6). It is the path that most requests take: the body
// is read by hand where it has the usual shape, and the answer is put together of parts that are
// rendered already. Nothing of the decision but the decision is in the body, so that equal questions
// have equal answers.
func evaluation(c *call) error {
	data, err := c.readBody(mediaJSON[0])
	if err != nil {
		return err
	}
	var q guard.Question
	if !scanQuestion(string(data), &q) {
		a, err := readQuestion(data, false)
		if err != nil {
			return err
		}
		if err := a.question(&q); err != nil {
			return err
		}
	}
	if c.origin.AtLeast, err = atLeast(c.req.Header[client.HeaderAtLeast]); err != nil {
		return err
	}
	return c.evaluate(&q)
}

func (c *call) evaluate(q *guard.Question) error {
	answer, err := c.server.config.Guard.Decide(c.context(), &c.origin, q)
	if err != nil {
		return err
	}
	c.decided(&answer)
	language := c.language(&answer)
	c.tellIn(language)
	*c.body = c.appendDecision((*c.body)[:0], &answer, language) // what was asked is not needed any more
	c.send(http.StatusOK, *c.body)
	return nil
}

// evaluations answers a batch (AuthZEN 1.0, 7). Without items it is a single question.
func evaluations(c *call) error {
	data, err := c.readBody(mediaJSON[0])
	if err != nil {
		return err
	}
	m, _ := batchMemories.Get().(*batchMemory)
	defer m.release()
	b := batch{items: m.asked}
	if !scanBatch(string(data), &b) {
		if b, err = readBatch(data, false); err != nil {
			return err
		}
	}
	if err := b.checkDefaults(); err != nil {
		return err
	}
	if c.origin.AtLeast, err = atLeast(c.req.Header[client.HeaderAtLeast]); err != nil {
		return err
	}
	if len(b.items) == 0 {
		var q guard.Question
		if err := b.question(&q); err != nil {
			return err
		}
		return c.evaluate(&q)
	}
	if err := c.chargeBatch(len(b.items)); err != nil {
		return err
	}
	m.asked = b.items
	for i := range b.items {
		b.items[i].inherit(&b.asked)
		m.items = append(m.items, guard.BatchItem{})
		item := &m.items[i]
		item.Invalid = b.items[i].question(&item.Question)
	}
	id, answers, err := c.server.config.Guard.DecideAll(c.context(), &c.origin, m.items, b.semantic)
	if err != nil {
		return err
	}
	c.batchHeaders(id, answers)
	language := ""
	body := append((*c.body)[:0], `{"evaluations":[`...)
	for i := range answers {
		if i > 0 {
			body = append(body, ',')
		}
		if answers[i].Err != nil {
			body = appendItemError(body, answers[i].Err)
			continue
		}
		if language == "" { // one policy decided all items: they are told in one language
			language = c.language(&answers[i].Answer)
			c.tellIn(language)
		}
		body = c.appendDecision(body, &answers[i].Answer, language)
	}
	*c.body = append(body, "]}"...)
	c.send(http.StatusOK, *c.body)
	return nil
}

// batchMemory is what a batch is read and asked in. It is used again: taken anew it would be most of the garbage of a batch.
type batchMemory struct {
	asked []asked
	items []guard.BatchItem
}

var batchMemories = sync.Pool{New: func() any { return new(batchMemory) }}

// release has the next batch use the memory. That of an uncommonly large one goes.
func (m *batchMemory) release() {
	const largest = 200 // items
	if max(cap(m.asked), cap(m.items)) > largest {
		return
	}
	clear(m.asked)
	clear(m.items)
	m.asked, m.items = m.asked[:0], m.items[:0]
	batchMemories.Put(m)
}

// batchHeaders names the batch, and the revision where all items are of one organization.
func (c *call) batchHeaders(id string, answers []guard.BatchAnswer) {
	c.set(client.HeaderBatchID, id)
	organization, revision, one := "", int64(0), true
	policy := ""
	for i := range answers {
		a := &answers[i]
		if a.Err != nil {
			one = false
			continue
		}
		policy = a.Policy
		switch {
		case a.Organization == "", organization != "" && a.Organization != organization:
			one = false
		case organization == "" || a.Revision < revision:
			organization, revision = a.Organization, a.Revision
		}
	}
	if policy != "" {
		c.set(client.HeaderPolicy, policy)
	}
	if one && organization != "" {
		c.set(client.HeaderRevision, strconv.FormatInt(revision, 10))
	}
}

// appendItemError answers an item that could not be asked: it is never allowed.
func appendItemError(dst []byte, err error) []byte {
	p := problemOf(err)
	message := p.Detail
	if message == "" {
		message = p.Title
	}
	dst = append(dst, `{"decision":false,"context":{"error":{"status":`...)
	dst = strconv.AppendInt(dst, int64(p.Status), 10)
	dst = append(dst, `,"message":`...)
	quoted, err := jsontext.AppendQuote(dst, message)
	if err != nil {
		quoted = append(dst, `""`...)
	}
	return append(quoted, "}}}"...)
}
