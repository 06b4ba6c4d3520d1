package guard

import "sync"

// followers counts those who follow the log, by caller.
type followers struct {
	mu sync.Mutex
	of map[string]int
}

// enter lets one more in, unless the caller has as many as may be.
func (f *followers) enter(caller string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[caller] >= mostFollowers {
		return false
	}
	if f.of == nil {
		f.of = map[string]int{}
	}
	f.of[caller]++
	return true
}

func (f *followers) leave(caller string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[caller]--; f.of[caller] == 0 {
		delete(f.of, caller)
	}
}
