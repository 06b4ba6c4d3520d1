package journal

import "slices"

// backlog holds what was written and is not known to be on disk. It is in chunks, since it grows by
// whatever is appended during one fsync: one slice would be copied again and again.
type backlog struct {
	chunks [][]byte
	skip   int // bytes of the first chunk that are gone
	size   int
	spare  [][]byte
}

const (
	chunkBytes = 256 << 10
	mostSpare  = 64 // what gathers while a disk stands still is more than that, and not soon again
)

func (b *backlog) append(text []byte) {
	b.size += len(text)
	for len(text) > 0 {
		last := len(b.chunks) - 1
		if last < 0 || len(b.chunks[last]) == chunkBytes {
			chunk := []byte(nil)
			if n := len(b.spare); n > 0 {
				chunk, b.spare = b.spare[n-1], b.spare[:n-1]
			} else {
				chunk = make([]byte, 0, chunkBytes)
			}
			b.chunks = append(b.chunks, chunk)
			last++
		}
		n := min(chunkBytes-len(b.chunks[last]), len(text))
		b.chunks[last] = append(b.chunks[last], text[:n]...)
		text = text[n:]
	}
}

// drop removes the first n bytes. Their memory is for what comes next, as much as it was between two fsyncs of late: of what is
// more than was needed now, one chunk goes each time.
func (b *backlog) drop(n int) {
	b.size -= n
	b.skip += n
	done := 0
	for done < len(b.chunks) && (b.skip >= chunkBytes || b.size == 0) {
		if len(b.spare) < mostSpare {
			b.spare = append(b.spare, b.chunks[done][:0])
		}
		b.skip -= len(b.chunks[done])
		done++
	}
	b.chunks = slices.Delete(b.chunks, 0, done)
	if last := len(b.spare) - 1; last > done {
		b.spare = slices.Delete(b.spare, last, last+1)
	}
}

// appendTo gives what it holds.
func (b *backlog) appendTo(dst []byte) []byte {
	skip := b.skip
	for _, chunk := range b.chunks {
		dst = append(dst, chunk[skip:]...)
		skip = 0
	}
	return dst
}
