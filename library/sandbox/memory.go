package sandbox

import (
	"context"
	"fmt"
	"os"
	"runtime/metrics"
	"time"
)

// overMemory is what a process says when it ends because of its memory.
const overMemory = "over the limit of memory"

// exitMemory is the code it ends with then.
const exitMemory = 3

// watchMemory ends the process when the runtime holds more memory than it may. The system's own limit, where there is one,
// ends it first where it asks for much at once.
func watchMemory(ctx context.Context, most uint64) {
	held := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
		metrics.Read(held)
		if held[0].Value.Uint64()-held[1].Value.Uint64() > most {
			fmt.Fprintln(os.Stderr, overMemory)
			os.Exit(exitMemory)
		}
	}
}
