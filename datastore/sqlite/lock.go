package sqlite

import (
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lock keeps a second process out of the directory. SQLite itself would let it in, but its watches
// would not hear of our changes.
type lock struct{ file *flock.Flock }

func takeLock(dir string) (*lock, error) {
	file := flock.New(filepath.Join(dir, "store.lock"), flock.SetPermissions(0o600))
	taken, err := file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the directory: %w", err)
	}
	if !taken {
		return nil, fmt.Errorf("the directory %s is in use by another cordon: "+
			"an embedded store serves one process; stop the other one, give this one another directory, or use MongoDB", dir)
	}
	return &lock{file}, nil
}

// release leaves the file where it is: to remove it would let two processes lock two files of one name.
func (l *lock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
