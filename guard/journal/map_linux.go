package journal

import (
	"os"
	"syscall"
)

// canMap says that an fsync of a file brings to disk what was written to its mapped memory. Linux
// keeps that; elsewhere frames are written by system calls.
const canMap = true

// populateWrite is MADV_POPULATE_WRITE: all pages are made ready at once, rather than by a fault each.
const populateWrite = 23

func mapFile(file *os.File, from int64, n int) (memory []byte, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var mapErr error
	if err = raw.Control(func(fd uintptr) {
		memory, mapErr = syscall.Mmap(int(fd), from, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	}); err == nil {
		err = mapErr
	}
	if err != nil {
		return nil, err
	}
	_ = syscall.Madvise(memory, populateWrite) // a kernel that does not know it makes them ready later
	return memory, nil
}

func unmapFile(memory []byte) { _ = syscall.Munmap(memory) }
