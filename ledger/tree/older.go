package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
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

// past is a tree as it was when it had fewer leaves, worked out anew of what a larger one is made of: an export of all
// that was on record by then needs no proof that it goes on from there.
type past struct {
	heads []Head // all that were kept
	err   error  // why they are none
	size  int64  // of the largest that has fewer leaves than the export's tree; 0: there is none
	made  folded // of the leaves before size, from the first on without a gap
}

// past prepares to work out the largest of the checkpoints that is smaller than that of an export.
func (c *Checkpoints) past(key Verifier, of string) *past {
	var p past
	if c == nil {
		return &p
	}
	if p.heads, p.err = c.Heads(key); p.err != nil {
		return &p
	}
	now, err := key.Open([]byte(of))
	if err != nil {
		return &p // which Verify says
	}
	for _, head := range p.heads {
		if head.N < now.N {
			p.size = max(p.size, head.N)
		}
	}
	return &p
}

// add takes the subtrees of the larger tree, from the left to the right. One that is partly beyond does not do, since
// what is in it cannot be told apart.
func (p *past) add(low, high int64, hash Hash) {
	if low == p.made.end() && high <= p.size && bits.OnesCount64(uint64(high-low)) == 1 {
		p.made.addNode(node{bits.Len64(uint64(high-low)) - 1, hash})
	}
}

// tells reports whether the tree of a head was worked out, and then whether it is that one.
func (p *past) tells(head Head) (known, same bool) {
	if head.N != p.size || p.made.Count != p.size {
		return false, false
	}
	hashes := make([]Hash, len(p.made.nodes))
	for i, n := range p.made.nodes {
		hashes[i] = n.hash
	}
	return true, fold(hashes) == head.Hash
}

// check holds a head against the checkpoints: against each of its own size, against each for which there is a proof, and
// against the one that was worked out anew. It returns the largest that it was held against.
func (c *Checkpoints) check(head Head, past *past) (Head, error) {
	if past.err != nil {
		return Head{}, fmt.Errorf("of the checkpoints that were given: %w", past.err)
	}
	heads, held := past.heads, Head{N: -1}
	for _, other := range heads {
		if known, same := past.tells(other); known && !same {
			return Head{}, fmt.Errorf("%w: its first %d leaves are not those of the tree with the root %v", ErrCorrupt, other.N, other.Hash)
		} else if known {
			held = larger(held, other)
			continue
		}
		from, to := other, head
		if from.N > to.N {
			from, to = to, from
		}
		known := from.N == 0 || from.N == to.N
		var hashes []Hash
		for _, proof := range c.proof {
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
		held = larger(held, other)
	}
	if held.N < 0 {
		last := heads[len(heads)-1]
		return Head{}, fmt.Errorf("%w: there is no proof that the trees of %d and of %d leaves are one; "+
			"\"cordon audit checkpoint --since FILE --size %d\" adds it to a checkpoint", ErrUnproved, last.N, head.N, head.N)
	}
	return held, nil
}

func larger(a, b Head) Head {
	if a.N > b.N {
		return a
	}
	return b
}
