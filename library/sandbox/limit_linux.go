package sandbox

import (
	"os/exec"
	"syscall"
)

// limitMemory has the system refuse this process more than so many bytes of its own.
func limitMemory(most int64) {
	limit := syscall.Rlimit{Cur: uint64(most), Max: uint64(most)}
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &limit)       // where it cannot, the watch is left
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, behind) // whoever asks questions goes first
}

// behind is how far a check stands back at the processors.
const behind = 10

// apart has a process end with this one.
func apart(child *exec.Cmd) { child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
