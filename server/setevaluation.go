package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

// mostWhole is how many bytes all questions of a batch may come to, each with what it inherits: they go on record.
const mostWhole = 4 << 20

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
	answer, err := c.decideIn(c.param("set"), &q)
	if err != nil {
		return err
	}
	*c.body = appendSetAnswer((*c.body)[:0], &answer)
	c.send(http.StatusOK, *c.body)
	return nil
}

// decideIn has a policy set decide. Where that is on record the headers say so, be there an answer or an error.
func (c *call) decideIn(set string, q *guard.Question) (guard.SetAnswer, error) {
	answer, err := c.server.config.Guard.DecideIn(c.context(), &c.origin, set, q)
	if answer.ID != "" {
		c.set(client.HeaderDecisionID, answer.ID)
		c.set(client.HeaderPolicy, answer.Policy)
	}
	return answer, err
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
