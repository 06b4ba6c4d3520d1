package journal

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime/debug"
)

// window is a part of the last segment's file that is mapped into memory: zeros, until frames are
// written over them. What is written to it outlives the process as what a write gives to the kernel
// does, and costs no system call. It serves [Interval] alone: a journal that syncs every group gains
// nothing by it.
//
// The room is written as zeros before it is mapped, so a full disk is found by that write and is no
// fault; a fault for another reason is an error. Where zeros begin, the log ends.
type window struct {
	off    bool // frames are written by system calls, until there is another segment
	memory []byte
	from   int64  // where in the file it begins
	zeros  []byte // mostMapped of them
}

// mostMapped is how much is mapped at a time: a thousand records. All of it counts as memory of the
// process, and making the next one takes about a tenth of a millisecond. leastMapped is for a segment
// that is about to end.
const mostMapped, leastMapped = 1 << 20, 16 << 10

// holds reports whether n bytes at a place of the file are within the window.
func (v *window) holds(at int64, n int) bool {
	return v.memory != nil && at >= v.from && at+int64(n) <= v.from+int64(len(v.memory))
}

// move brings the window to a place of the file, and makes what is behind that zeros. Where the disk has
// not that much room, or the file cannot be mapped, the window is off: what is wrong a write will tell.
func (v *window) move(file File, at, until int64) {
	v.drop()
	v.off = true
	f, ok := file.(*os.File)
	if !ok || !canMap {
		return
	}
	if v.zeros == nil {
		v.zeros = make([]byte, mostMapped)
	}
	n := min(max(until-at, leastMapped), mostMapped)
	if _, err := f.WriteAt(v.zeros[:n], at); err != nil {
		return
	}
	from := at - at%int64(os.Getpagesize())
	if memory, err := mapFile(f, from, int(at-from+n)); err == nil {
		v.memory, v.from, v.off = memory, from, false
	}
}

// write writes frames to a place that the window holds. The checksum of the first frame's head comes
// last and by one instruction: a process that ends before it leaves nothing that looks like a frame.
func (v *window) write(frames []byte, at int64) (err error) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if fault := recover(); fault != nil {
			v.drop()
			v.off = true
			err = fmt.Errorf("write to mapped memory: %v", fault)
		}
	}()
	to := v.memory[at-v.from:]
	copy(to[frameHead:], frames[frameHead:])
	copy(to, frames[:headSum])
	binary.LittleEndian.PutUint32(to[headSum:], binary.LittleEndian.Uint32(frames[headSum:]))
	return nil
}

// drop gives the memory back. What was written to it stays in the file.
func (v *window) drop() {
	if v.memory != nil {
		unmapFile(v.memory)
		v.memory = nil
	}
}
