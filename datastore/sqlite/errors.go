package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"cordon/datastore"

	modernc "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// explain wraps an error with what was being done and says which of the contract's errors it is.
func explain(what string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrConnDone) {
		return fmt.Errorf("%s: %w", what, datastore.ErrClosed)
	}
	if failure, ok := errors.AsType[*modernc.Error](err); ok && unavailable(failure.Code()) {
		return fmt.Errorf("%s: %w: %w", what, datastore.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// endsTransaction reports whether SQLite may have rolled back the whole transaction with an error. Of an
// interrupted statement the driver says what its context says.
func endsTransaction(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	failure, ok := errors.AsType[*modernc.Error](err)
	if !ok {
		return false
	}
	switch failure.Code() & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_INTERRUPT:
		return true
	}
	return false
}

// unavailable tells whether a result code means that the disk or the machine failed, not the question.
func unavailable(code int) bool {
	switch code & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL,
		sqlite3.SQLITE_IOERR, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_NOTADB,
		sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_READONLY:
		return true
	}
	return false
}
