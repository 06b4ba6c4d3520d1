package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Checkpoints are what a reader kept: checkpoints, and proofs that the tree went on from one size to another.
type Checkpoints struct {
	signed [][]byte
	proof  []consistency
}

// consistency is a proof as GET /v1/audit/consistency answers it.
type consistency struct {
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Hashes []Hash `json:"hashes"`
}

// ParseCheckpoints reads a checkpoint as it was signed, behind which proofs may follow, a line of JSON each, as GET
// /v1/audit/consistency gives them; or the file of a witness, with one {"checkpoint": ...} in each line. A line that a
// crash has cut is passed over: the witness says it again.
func ParseCheckpoints(data []byte) (*Checkpoints, error) {
	var c Checkpoints
	var plain []byte
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(line, []byte("{")) {
			plain = append(plain, line...)
			continue
		}
		var member struct {
			Checkpoint string `json:"checkpoint"`
			consistency
		}
		if !json.Valid(line) {
			continue
		}
		if err := json.Unmarshal(line, &member); err != nil {
			return nil, fmt.Errorf("no line of a witness and no proof: %.60q", line)
		}
		if member.Checkpoint != "" {
			c.signed = append(c.signed, []byte(member.Checkpoint))
		} else {
			c.proof = append(c.proof, member.consistency)
		}
	}
	if len(bytes.TrimSpace(plain)) > 0 {
		c.signed = append(c.signed, append(bytes.TrimSpace(plain), '\n'))
	}
	if len(c.signed) == 0 {
		return nil, errors.New("there is no checkpoint in it")
	}
	return &c, nil
}

// Heads returns the heads of the checkpoints, in their order; all must be signed by the key.
func (c *Checkpoints) Heads(key Verifier) ([]Head, error) {
	var heads []Head
	for _, signed := range c.signed {
		head, err := key.Open(signed)
		if err != nil {
			return nil, err
		}
		heads = append(heads, head)
	}
	return heads, nil
}

// Last returns the last of the checkpoints as it was signed by the key, and its head.
func (c *Checkpoints) Last(key Verifier) (signed []byte, head Head, err error) {
	signed = c.signed[len(c.signed)-1]
	head, err = key.Open(signed)
	return signed, head, err
}

// check holds a head against the checkpoints: against each of its own size, and against each for which there is a
// proof. It returns the largest that it was held against.
func (c *Checkpoints) check(key Verifier, head Head, proofs []consistency) (Head, error) {
	heads, err := c.Heads(key)
	if err != nil {
		return Head{}, fmt.Errorf("of the checkpoints that were given: %w", err)
	}
	held := Head{N: -1}
	for _, other := range heads {
		from, to := other, head
		if from.N > to.N {
			from, to = to, from
		}
		known := from.N == 0 || from.N == to.N
		var hashes []Hash
		for _, proof := range proofs {
			if proof.From == from.N && proof.To == to.N && !known {
				hashes, known = proof.Hashes, true
			}
		}
		if !known {
			continue
		}
		if err := CheckConsistency(from, to, hashes); err != nil {
			return Head{}, err
		}
		if other.N > held.N {
			held = other
		}
	}
	if held.N < 0 {
		last := heads[len(heads)-1]
		return Head{}, fmt.Errorf("%w: there is no proof that the trees of %d and of %d leaves are one; "+
			"\"cordon audit checkpoint --since FILE --size %d\" adds it to a checkpoint", ErrUnproved, last.N, head.N, head.N)
	}
	return held, nil
}
