package datastore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"unicode/utf8"
)

// Bounds of a file of the [Log].
const (
	MaxFileName  = 512      // bytes of its name
	MaxFileBytes = 64 << 20 // of what it holds
	// FileChunk is how much of a file an engine keeps, and reads, in one piece.
	FileChunk = 64 << 10
)

// ErrFileName is wrapped by what is wrong with the name of a file.
var ErrFileName = errors.New("the name of a file is of 1 to 512 bytes of UTF-8")

// File is a file of the [Log], as it is listed.
type File struct {
	Name string
	Size int64
}

// Log is the part of a store that keeps what happened.
//
// Its files hold what is written once and read in pieces. A name is 1 to [MaxFileName] bytes of valid
// UTF-8, anything else is [ErrFileName]; it is an identity and no path: nothing in it is read as one.
type Log interface {
	// WriteFile keeps data, at most [MaxFileBytes] of it, as the file of a name, in the place of what
	// was there. It is there whole when the call returns, and survives what the store survives. Where
	// the call fails, or the process ends in its midst, what was there before is there still, whole:
	// nobody ever reads a part of one and a part of the other. Of several who write one name at a time
	// one comes last, and the file is that one's.
	WriteFile(ctx context.Context, name string, data []byte) error

	// ReadFile returns length bytes of a file from an offset, fewer where it ends before, none where the
	// offset is behind its end. It costs what is asked for, not what the file holds. What one call
	// returns is of one file, also while it is replaced. ErrNotFound: there is no file of that name.
	ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error)

	// Files lists the files whose names begin with prefix and sort behind after, by the bytes of their names.
	Files(ctx context.Context, prefix, after string) iter.Seq2[File, error]

	// RemoveFiles removes files, each whole or not at all; what is not there is no error. The room that they took is given back
	// to the system in small steps that hold up nobody for long, if not at once.
	RemoveFiles(ctx context.Context, names ...string) error
}

// CheckFile reports what is wrong with the name of a file or with what it is to hold.
func CheckFile(name string, data []byte) error {
	if name == "" || len(name) > MaxFileName || !utf8.ValidString(name) {
		return ErrFileName
	}
	if len(data) > MaxFileBytes {
		return fmt.Errorf("file %q holds %d bytes, more than %d", name, len(data), MaxFileBytes)
	}
	return nil
}

// FileRange returns where a part of a file begins and where it ends, if the file is that long, and what is
// wrong with it. No number that it returns is beyond what a file can have.
func FileRange(name string, offset int64, length int) (from, to int64, err error) {
	if offset < 0 || length < 0 {
		return 0, 0, fmt.Errorf("read %d bytes at %d: neither may be negative", length, offset)
	}
	from = min(offset, MaxFileBytes)
	return from, min(from+min(int64(length), MaxFileBytes), MaxFileBytes), CheckFile(name, nil)
}
