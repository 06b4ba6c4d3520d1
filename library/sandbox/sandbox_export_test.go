package sandbox

// OutOfMemory tells what is taken for the words of a process that came to its limit.
func OutOfMemory(said string) bool { return outOfMemory(said) }
