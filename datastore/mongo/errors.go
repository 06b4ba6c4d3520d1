package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cordon/datastore"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	xdriver "go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"
)

// Labels that the server and the driver put on errors.
const (
	transientTransaction = "TransientTransactionError"
	unknownCommitResult  = "UnknownTransactionCommitResult"
	retryableWrite       = "RetryableWriteError"
)

// Codes of the server.
const (
	codeRights          = 13
	codeLogin           = 18
	codeNamespaceExists = 48
	codeWriteConflict   = 112
	codeSnapshotTooOld  = 239
	codeStreamFatal     = 280
	codeHistoryLost     = 286
)

// failure is an error of the driver. Its text says what kind of error it was and nothing that the
// server or the driver said about it: that can hold an e-mail address (a refused document is shown in
// full) or a part of the connection string. The driver's error is still there for [errors.As]: its
// labels decide whether a transaction runs again.
type failure struct {
	doing string
	err   error
}

func (f *failure) Error() string { return f.doing + ": " + reason(f.err) }
func (f *failure) Unwrap() error { return f.err }

func reason(err error) string {
	var of []string
	for _, known := range []error{
		datastore.ErrUnavailable, datastore.ErrHistoryLost, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			of = append(of, known.Error())
		}
	}
	var server driver.ServerError
	switch {
	case errors.As(err, &server) && len(server.ErrorCodes()) > 0 && server.ErrorCodes()[0] != 0:
		of = append(of, fmt.Sprintf("MongoDB error %d", server.ErrorCodes()[0]))
		if command := (driver.CommandError{}); errors.As(err, &command) {
			of = append(of, command.Name)
		}
	case driver.IsTimeout(err):
		of = append(of, "MongoDB did not answer in time")
	case unreachable(err):
		of = append(of, "the connection to MongoDB broke")
	case len(of) == 0:
		of = append(of, fmt.Sprintf("error of type %T", err))
	}
	return strings.Join(of, ": ")
}

// explain gives the contract's error for one of the driver's, outside of a transaction. ctx is the
// caller's.
func (s *Store) explain(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case s.closed.Load() || errors.Is(err, driver.ErrClientDisconnected):
		return fmt.Errorf("%s: %w", doing, datastore.ErrClosed)
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	case unavailable(err):
		return &failure{doing, errors.Join(datastore.ErrUnavailable, err)}
	}
	return &failure{doing, err}
}

// unreachable tells whether an error is of the way to the server. Not all that the driver gives of that
// kind carry its label.
func unreachable(err error) bool {
	var connection topology.ConnectionError
	var selection topology.ServerSelectionError
	var pool xdriver.RetryablePoolError
	return driver.IsNetworkError(err) || driver.IsTimeout(err) ||
		errors.As(err, &connection) || errors.As(err, &selection) || errors.As(err, &pool)
}

// unavailable tells whether an error says nothing but that the store cannot serve now.
func unavailable(err error) bool {
	if unreachable(err) ||
		labelled(err, transientTransaction) || labelled(err, unknownCommitResult) || labelled(err, retryableWrite) {
		return true
	}
	var server driver.ServerError
	return errors.As(err, &server) && slices.ContainsFunc([]int{
		6, 7, 89, 9001, // host unreachable, not found, network time-out, socket
		50, 262, // time limit
		64, 91, 189, 10107, 11600, 11602, 13435, 13436, // write concern, shutdown, stepping down, not primary
		codeWriteConflict, 133, 134, 246, // no such host for the read preference, snapshot not there yet
	}, server.HasErrorCode)
}

// conflicts tells whether a transaction's error is one after which another attempt may do better: the
// server says so, somebody else has put the same document since the transaction's point in time, or a
// command was not sent. Before the commit another attempt is always safe.
func conflicts(err error) bool {
	var pool xdriver.RetryablePoolError
	return labelled(err, transientTransaction) || errors.As(err, &pool) || driver.IsDuplicateKeyError(err) ||
		hasCode(err, codeWriteConflict) || errors.Is(err, errBusy)
}

func labelled(err error, label string) bool {
	var of driver.LabeledError
	return errors.As(err, &of) && of.HasErrorLabel(label)
}

func hasCode(err error, code int) bool {
	var server driver.ServerError
	return errors.As(err, &server) && server.HasErrorCode(code)
}
