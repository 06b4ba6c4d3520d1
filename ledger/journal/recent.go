package journal

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"cordon/ledger/record"
)

// recent is a file of a fixed size that is mapped into memory. With sync [Interval] frames are written
// there first, and with the next fsync, or when it is full, all of them go to the segment by one write.
// What is stored in mapped memory outlives the process as what a write gives to the kernel does, and
// costs no system call.
//
// It begins anew with every spill, so behind its frames there are older ones. A reader takes those whose
// sequences follow the segment's last and stops at anything else. A frame is one only when its head has
// its checksum, which is stored last. Nothing is promised of it when the power fails, as of nothing
// behind the last fsync.
type recent struct {
	memory []byte // nil: there is none, and frames are written to the segment
	used   int    // bytes of frames that are in no segment yet
	starts []int  // memory to work with
}

const (
	recentName  = "recent"
	recentBytes = 1 << 20
)

// openRecent makes the file, all of its room on disk, and maps it.
func openRecent(dir string) (memory []byte, err error) {
	if !canMap {
		return nil, nil
	}
	file, err := os.OpenFile(filepath.Join(dir, recentName), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = file.Close() // the memory stays
		if err != nil {
			_ = os.Remove(file.Name()) // a disk that is full has no use for half of it
		}
	}()
	if _, err := file.WriteAt(make([]byte, recentBytes), 0); err != nil {
		return nil, err
	}
	if err := file.Sync(); err != nil { // room that is only promised would be missed too late
		return nil, err
	}
	return mapFile(file, recentBytes)
}

func (v *recent) close() {
	if v.memory != nil {
		unmapFile(v.memory)
		v.memory = nil
	}
}

// append writes the records' frames behind those that are there, and gives them. Where there is no room
// for them, or the memory faults, it gives nothing and none is there.
func (v *recent) append(f *framer, rs []*record.Record, durable int64) (frames []byte) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if recover() != nil {
			frames = nil
		}
	}()
	room := v.memory[v.used:]
	v.starts = v.starts[:0]
	frames = room[:0]
	for _, r := range rs {
		v.starts = append(v.starts, len(frames))
		frames = f.appendPayload(frames, r)
		if len(frames) > len(room) || len(f.keys) > maxKeys {
			return nil
		}
	}
	for i, start := range v.starts {
		end := len(frames)
		if i+1 < len(v.starts) {
			end = v.starts[i+1]
		}
		seal(frames[start:end], rs[i].Sequence, rs[i].Sequence-durable)
	}
	return frames
}

// put writes frames that are made already, and reports whether there was room for them.
func (v *recent) put(frames []byte) (ok bool) {
	if len(frames) > len(v.memory)-v.used {
		return false
	}
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if recover() != nil {
			ok = false
		}
	}()
	to := v.memory[v.used:]
	copy(to[headSum+4:], frames[headSum+4:])
	copy(to, frames[:headSum])
	binary.LittleEndian.PutUint32(to[headSum:], binary.LittleEndian.Uint32(frames[headSum:]))
	v.used += len(frames)
	return true
}

// readRecent gives the frames of a directory's file that follow a sequence, and the last of their
// sequences.
func readRecent(dir string, last int64) (frames []byte, _ int64, err error) {
	text, err := os.ReadFile(filepath.Join(dir, recentName))
	if os.IsNotExist(err) {
		return nil, last, nil
	}
	if err != nil {
		return nil, last, fmt.Errorf("read the journal's recent records: %w", err)
	}
	for f, bad := parseFrame(text); bad == nil && f.sequence <= last+1; f, bad = parseFrame(text) {
		if f.sequence == last+1 {
			frames = append(frames, text[:f.size]...)
			last++
		}
		text = text[f.size:]
	}
	return frames, last, nil
}
