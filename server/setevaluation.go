package server

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"cordon.example/client"
	"cordon/guard"
)

// Paths of a policy set of an operator, which is a decision point of its own.
const setAccessPath = "/p/{set}/access/v1"

// mostWhole is how many bytes all questions of a batch may come to, each with what it inherits: they go on record.
const mostWhole = 4 << 20

// ofSet tells whether a call is to a policy set of an operator.
func (c *call) ofSet() bool { return len(c.route.names) > 0 && c.route.names[0] == "set" }

// setEvaluation answers one question by a policy set. The answer holds what the set says, and nothing else.
func setEvaluation(c *call) error {
	data, err := c.readBody(mediaJSON[0])
	if err != nil {
		return err
	}
	a, err := readQuestion(data, true)
	if err != nil {
		return err
	}
	return c.evaluateIn(&a)
}

func (c *call) evaluateIn(a *asked) error {
	var q guard.Question
	if err := a.whole(&q); err != nil {
		return err
	}
	answer, err := c.server.config.Guard.DecideIn(c.context(), &c.origin, c.param("set"), &q)
	if answer.ID != "" {
		c.set(client.HeaderDecisionID, answer.ID)
		c.set(client.HeaderPolicy, answer.Policy)
	}
	if err != nil {
		return err
	}
	*c.body = appendSetAnswer((*c.body)[:0], &answer)
	c.send(http.StatusOK, *c.body)
	return nil
}

// setEvaluations answers a batch by a policy set. Without items it is a single question.
func setEvaluations(c *call) error {
	data, err := c.readBody(mediaJSON[0])
	if err != nil {
		return err
	}
	b, err := readBatch(data, true)
	if err != nil {
		return err
	}
	if err := b.checkDefaults(); err != nil {
		return err
	}
	if len(b.items) == 0 {
		return c.evaluateIn(&b.asked)
	}
	if err := c.chargeBatch(len(b.items)); err != nil {
		return err
	}
	items, whole := make([]guard.BatchItem, len(b.items)), 0
	for i := range b.items {
		b.items[i].inherit(&b.asked)
		items[i].Invalid = b.items[i].whole(&items[i].Question)
		if whole += len(items[i].Question.Input); whole > mostWhole {
			return because(errTooLarge, "with what they inherit, the questions of the batch come to more than 4 MiB; send fewer at once")
		}
	}
	id, answers, err := c.server.config.Guard.DecideAllIn(c.context(), &c.origin, c.param("set"), items, b.semantic)
	if err != nil {
		return err
	}
	c.set(client.HeaderBatchID, id)
	policy := ""
	body := append((*c.body)[:0], `{"evaluations":[`...)
	for i := range answers {
		if i > 0 {
			body = append(body, ',')
		}
		if answers[i].Policy != "" {
			policy = answers[i].Policy
		}
		if answers[i].Err != nil {
			body = appendItemError(body, answers[i].Err)
			continue
		}
		body = appendSetAnswer(body, &answers[i].SetAnswer)
	}
	if policy != "" {
		c.set(client.HeaderPolicy, policy)
	}
	*c.body = append(body, "]}"...)
	c.send(http.StatusOK, *c.body)
	return nil
}

func appendSetAnswer(dst []byte, a *guard.SetAnswer) []byte {
	dst = append(dst, `{"decision":`...)
	if a.Allowed {
		dst = append(dst, "true"...)
	} else {
		dst = append(dst, "false"...)
	}
	if a.Context != nil {
		dst = append(append(dst, `,"context":`...), a.Context...)
	}
	return append(dst, '}')
}

// whole makes a question of all that was asked, or says all that is wrong with it.
func (a *asked) whole(q *guard.Question) error {
	if err := a.question(q); err != nil {
		return err
	}
	q.Input = a.appendInput(nil)
	return nil
}

// appendInput writes what was asked as a policy set sees it: nothing is in it that AuthZEN does not know, and nothing that is
// not there.
func (a *asked) appendInput(dst []byte) []byte {
	begin := byte('{')
	for _, e := range []struct {
		name   string
		entity *entity
	}{{"subject", &a.subject}, {"action", &a.action}, {"resource", &a.resource}} {
		if !e.entity.object {
			continue
		}
		dst = append(append(append(append(dst, begin), '"'), e.name...), `":`...)
		dst = e.entity.appendTo(dst)
		begin = ','
	}
	if a.context != nil {
		dst = append(append(append(dst, begin), `"context":`...), a.context...)
		begin = ','
	}
	if begin == '{' {
		dst = append(dst, begin)
	}
	return append(dst, '}')
}

func (e *entity) appendTo(dst []byte) []byte {
	begin := byte('{')
	member := func(name, value string) {
		if value == "" {
			return
		}
		dst = append(append(append(append(dst, begin), '"'), name...), `":`...)
		dst, _ = jsontext.AppendQuote(dst, value) // what was read is valid UTF-8
		begin = ','
	}
	if e.is != isAction {
		member("type", e.kind)
	}
	member(e.is.id(), e.id)
	if e.properties != nil {
		dst = append(append(append(dst, begin), `"properties":`...), e.properties...)
		begin = ','
	}
	if begin == '{' {
		dst = append(dst, begin)
	}
	return append(dst, '}')
}
