package sandbox_test

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"cordon/library/sandbox"
)

// threadsVariable makes the test below the process that stands back.
const threadsVariable = "TEST_THREADS"

// A priority is that of one thread on Linux, and the runtime has several before anything is checked.
func TestAllOfACheckStandsBack(t *testing.T) {
	if os.Getenv(threadsVariable) == "" {
		child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$") //nolint:gosec // this program
		child.Env = append(os.Environ(), threadsVariable+"=1")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	const held = 5 // threads beside those of the runtime
	var begun, over sync.WaitGroup
	goOn := make(chan struct{})
	defer over.Wait()
	defer close(goOn)
	for range held {
		begun.Add(1)
		over.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			begun.Done()
			<-goOn
		})
	}
	begun.Wait()
	sandbox.StandBack()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil || len(threads) < held {
		t.Fatalf("there are %d threads, %v", len(threads), err)
	}
	for _, thread := range threads {
		stat, err := os.ReadFile("/proc/self/task/" + thread.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ") // behind its name, which may hold blanks
		const nice = 16                               // of the fields that follow
		if at, err := strconv.Atoi(strings.Fields(rest)[nice]); err != nil || at < sandbox.Behind {
			t.Errorf("thread %s stands at %d, want %d: %v", thread.Name(), at, sandbox.Behind, err)
		}
	}
	if own, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0); err != nil || 20-own < sandbox.Behind {
		t.Errorf("this one stands at %d: %v", 20-own, err)
	}
}
