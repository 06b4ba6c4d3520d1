package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Copy copies a journal's directory into another one, which it makes, while the journal may be written. A
// journal that is opened on the copy has everything that was acknowledged before the call and was not
// shipped, unless it is shipped meanwhile: so the store is copied after the journal.
func Copy(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return fmt.Errorf("copy the journal: %w", err)
	}
	// Recent frames go to a segment before others take their place, so what this copy lacks of them is in
	// a segment that is copied after it.
	if err := copyFile(from, to, recentName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("copy the journal: %w", err)
	}
	// The newest first: the journal removes the oldest when it is shipped, so there is no hole between those that
	// are copied. All but the newest are whole; what comes behind it is younger than the call.
	entries, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("copy the journal: %w", err)
	}
	for _, entry := range slices.Backward(entries) {
		if _, is := segmentFirst(entry.Name()); !is {
			continue
		}
		if err := copyFile(from, to, entry.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("copy the journal: %w", err)
		}
	}
	if err := copyFile(from, to, "replica"); err != nil {
		return fmt.Errorf("copy the journal: %w", err)
	}
	return nil
}

func copyFile(from, to, name string) (err error) {
	source, err := os.Open(filepath.Join(from, name))
	if err != nil {
		return err
	}
	defer source.Close()
	file, err := os.OpenFile(filepath.Join(to, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err = io.Copy(file, source); err == nil {
		err = file.Sync()
	}
	return err
}
