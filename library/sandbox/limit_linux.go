package sandbox

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// limitMemory has the system refuse this process more than so many bytes of its own.
func limitMemory(most int64) {
	limit := syscall.Rlimit{Cur: uint64(most), Max: uint64(most)}
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &limit) // where it cannot, the watch is left
}

// behind is how far a check stands back at the processors.
const behind = 10

// standBack has whoever asks questions go first at the processors. On Linux that is said of each thread, and one that begins
// stands where the one stands that began it: so it is said until no other has come.
func standBack() {
	said := map[string]bool{}
	for before := -1; before < len(said); {
		before = len(said)
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, behind) // at least this one, and those that it begins
			return
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err == nil && !said[thread.Name()] {
				_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, behind) // it may have ended
				said[thread.Name()] = true
			}
		}
	}
}

// apart has a process end with this one.
func apart(child *exec.Cmd) { child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
