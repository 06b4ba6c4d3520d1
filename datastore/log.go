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

// Stream is the numbered records of one writer, as far as a store knows them.
type Stream struct {
	Name string
	// First and Newest are the first and the last sequence that is kept as a batch or as an act; 0: none is.
	First, Newest int64
	// Last is the last sequence that was given or shipped. It outlives what was removed, so where it is beyond both
	// Newest and Sealed, records were removed that nobody had sealed.
	Last int64
	// Sealed is the last sequence up to which the stream was told to be sealed.
	Sealed int64
}

// Forgotten says what a store need not keep any more.
type Forgotten struct {
	Sealed map[string]int64 // by stream: the sequence up to which its records are kept elsewhere
	Acts   []string         // ids of acts whose time is over
}

// Log is the part of a store that keeps what happened: batches and acts, numbered by stream, while they are
// young, and files, which hold what is sealed.
//
// A stream's numbers have no gap and are never given twice, whatever becomes of its records: where its newest
// records were removed behind the store's back, what follows goes on behind them, and [Stream] shows it.
//
// A file holds what is written once and read in pieces. Its name is 1 to [MaxFileName] bytes of valid
// UTF-8, anything else is [ErrFileName]; it is an identity and no path: nothing in it is read as one.
type Log interface {
	// Ship appends a batch of a stream's records, once: its FirstSequence must follow the last
	// sequence of that stream, or with Missing the sequences that are lost behind that
	// one. It returns the last sequence that is shipped after the call. A batch that does not follow is
	// not written and is no error: the answer tells where to go on. A batch with a Count of 0 only asks.
	Ship(ctx context.Context, batch Batch) (last int64, err error)

	// Hot returns the batches in a range that are not forgotten and the acts that are not sealed, in the order that
	// the range asks for. What is there when reading begins, and is not forgotten meanwhile, is given once; what
	// comes while it goes on may be.
	Hot(ctx context.Context, r HotRange) iter.Seq2[Batch, error]

	// Forget removes the batches that end at or before the sequence up to which their stream is sealed, and has Hot
	// pass over the acts up to it, which stay. Acts that are named by their ids are removed if they are sealed. It
	// works in small steps that hold up nobody for long, and may be called again with less, or with the same.
	Forget(ctx context.Context, what Forgotten) error

	// Streams returns all streams, by name. A stream that shipped or appended once is there for ever.
	Streams(ctx context.Context) ([]Stream, error)

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
