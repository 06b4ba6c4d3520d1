package policies

import (
	"hash/maphash"
	"sync/atomic"
)

// Answers remembers answers by what was asked. It has no lock: a question takes the slot of its hash, whoever had it, and a
// slot is replaced as a whole. Nothing is ever invalidated, since what an answer depends on is its question; another policy
// has another memory.
//
// It is bounded by bytes: what callers make up is kept in it, and would fill it. When it is full, the slots that a hand
// comes by are emptied, whoever has them.
type Answers[A any] struct {
	seed  maphash.Seed
	slots []atomic.Pointer[remembered[A]]
	most  int64        // bytes
	bytes atomic.Int64 // of what is in the slots
	hand  atomic.Uint64
}

type remembered[A any] struct {
	key    string
	bytes  int64
	answer A
}

func (r *remembered[A]) size() int64 {
	if r == nil {
		return 0
	}
	return r.bytes
}

// NewAnswers makes a memory of so many slots, a power of two, and bytes.
func NewAnswers[A any](slots int, most int64) *Answers[A] {
	return &Answers[A]{seed: maphash.MakeSeed(), slots: make([]atomic.Pointer[remembered[A]], slots), most: most}
}

func (m *Answers[A]) slot(key []byte) *atomic.Pointer[remembered[A]] {
	return &m.slots[maphash.Bytes(m.seed, key)&uint64(len(m.slots)-1)]
}

// Find returns the answer to a question, if it is remembered.
func (m *Answers[A]) Find(key []byte) (answer A, ok bool) {
	if found := m.slot(key).Load(); found != nil && found.key == string(key) {
		return found.answer, true
	}
	return answer, false
}

// Keep remembers an answer, which takes so many bytes with its question.
func (m *Answers[A]) Keep(key []byte, answer A, bytes int) {
	entry := &remembered[A]{key: string(key), bytes: int64(bytes), answer: answer}
	old := m.slot(key).Swap(entry)
	m.bytes.Add(entry.size() - old.size())
	for m.bytes.Load() > m.most {
		gone := m.slots[m.hand.Add(1)&uint64(len(m.slots)-1)].Swap(nil)
		m.bytes.Add(-gone.size())
	}
}
