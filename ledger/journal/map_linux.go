package journal

import (
	"os"
	"syscall"
)

// canMap says that files are mapped. Elsewhere frames are written by system calls.
const canMap = true

func mapFile(file *os.File, n int) (memory []byte, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var mapErr error
	if err = raw.Control(func(fd uintptr) {
		memory, mapErr = syscall.Mmap(int(fd), 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_POPULATE)
	}); err != nil {
		return nil, err
	}
	return memory, mapErr
}

func unmapFile(memory []byte) { _ = syscall.Munmap(memory) }
