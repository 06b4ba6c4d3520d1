package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"cordon/ledger/record"
)

// reader is a place in the log, with a handle of its own on the segment.
type reader struct {
	segment  *segment
	file     *os.File
	at       int64 // where the frame of sequence begins
	end      int64 // how far the segment may be read
	sequence int64
	chunk    []byte
	frames   []frame
}

// chunkSize holds the frames of a batch, as records usually are, and any one frame.
const chunkSize = int64(max(maxText+maxText/4, frameHead+2+8*maxKeys+record.MaxBytes))

// seek puts the reader before a sequence that the log has on disk, or before the next one that will be;
// before the first one where the log begins behind the sequence.
func (s *shipper) seek(sequence int64) error {
	r, j := &s.reader, s.j
	j.mu.Lock()
	var in *segment
	for _, segment := range j.segments {
		if segment.first <= sequence {
			in = segment
		}
	}
	if in == nil {
		in = j.segments[0]
		sequence = in.first
	}
	r.end = in.end
	j.mu.Unlock()
	if r.segment != in {
		file, err := os.Open(in.path)
		if err != nil {
			return fmt.Errorf("open segment: %w", err)
		}
		r.close()
		r.file, r.segment = file, in
		r.at, r.sequence = headSize, in.first
	}
	if sequence < r.sequence {
		r.at, r.sequence = headSize, in.first
	}
	for r.sequence < sequence {
		var text [frameHead]byte
		if _, err := r.file.ReadAt(text[:], r.at); err != nil {
			return fmt.Errorf("read segment: %w", err)
		}
		f, err := parseHead(text[:])
		if err != nil {
			return r.damaged(err)
		}
		r.at += int64(f.size)
		r.sequence++
	}
	return nil
}

// read gives the frames from the reader's place on, as many as a batch may have and one more, or those of a chunk.
func (r *reader) read() ([]frame, error) {
	n := int(min(r.end-r.at, chunkSize))
	if cap(r.chunk) < n {
		r.chunk = make([]byte, n)
	}
	text := r.chunk[:n]
	if _, err := r.file.ReadAt(text, r.at); err != nil {
		return nil, fmt.Errorf("read segment: %w", err)
	}
	r.frames = r.frames[:0]
	for size := 0; len(text) > 0 && len(r.frames) <= maxRecords && size <= maxText; {
		f, err := parseFrame(text)
		if errors.Is(err, errShort) && len(r.frames) > 0 && int64(n) < r.end-r.at {
			break // the rest is in the next chunk
		}
		if err == nil && f.sequence != r.sequence+int64(len(r.frames)) {
			err = errDamaged
		}
		if err != nil {
			if len(r.frames) > 0 {
				break // what is good goes first
			}
			return nil, r.damaged(err)
		}
		r.frames = append(r.frames, f)
		size += len(f.text) + 1
		text = text[f.size:]
	}
	return r.frames, nil
}

func (r *reader) damaged(err error) error {
	return (&segment{path: r.segment.path, last: r.sequence - 1}).damaged(int(r.at), err)
}

func (r *reader) close() {
	if r.file != nil {
		_ = r.file.Close() // it was only read
	}
}

// appendKeys gives the frame's keys.
func (f *frame) appendKeys(dst []uint64) []uint64 {
	for keys := f.keys; len(keys) > 0; keys = keys[8:] {
		dst = append(dst, binary.LittleEndian.Uint64(keys))
	}
	return dst
}
