package mongo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// What a refused start says. The driver's own errors about a connection string can hold parts of it,
// passwords among them, so their text is never used.
var (
	errURI = errors.New("the MongoDB URI is malformed " +
		"(its text is not shown, as it may hold a password; write mongodb://HOST:PORT/DATABASE?replicaSet=NAME)")
	errDatabase = errors.New("the name of the MongoDB database is not one that MongoDB allows")
	errPlain    = errors.New("the MongoDB URI asks for authMechanism=PLAIN, which sends the password as it is; use SCRAM-SHA-256")
	errNoUser   = errors.New("there is a MongoDB password file, but no user name in the MongoDB URI")
	errPassword = errors.New("the MongoDB password file is empty or holds a zero byte")

	errStandalone = errors.New("the MongoDB server is a standalone, which has no transactions; " +
		"start it with --replSet NAME and run rs.initiate() once (a replica set of one node is enough), or connect to mongos")
	errNotInitiated = errors.New("the MongoDB server's replica set is not initiated; run rs.initiate() once")
	errLogin        = errors.New("the MongoDB server refuses the user name or the password")
	errRights       = errors.New("the MongoDB user needs the roles readWrite and dbAdmin on the database")
	errTooOld       = errors.New("the MongoDB server is too old; version 7.0 or newer is needed")
)

// wireVersion7 is the wire version that a server tells from 7.0 on.
const wireVersion7 = 21

// clientOptions reads the URI and overrules what the contract decides. It never gives an error of
// the driver.
func clientOptions(config Config) (*options.ClientOptions, string, error) {
	opts := options.Client().ApplyURI(config.URI)
	if config.URI == "" || opts.Validate() != nil {
		return nil, "", errURI
	}
	if opts.Auth != nil && strings.EqualFold(opts.Auth.AuthMechanism, "PLAIN") {
		return nil, "", errPlain
	}
	if config.PasswordFile != "" {
		if err := readPassword(opts, config.PasswordFile); err != nil {
			return nil, "", err
		}
	}
	database := config.Database
	if database == "" {
		database = databaseOf(config.URI)
	}
	if len(database) > 63 || strings.ContainsAny(database, "/\\. \"$*<>:|?\x00") {
		return nil, "", errDatabase
	}
	switch {
	case config.Timeout > 0:
		opts.SetTimeout(config.Timeout)
	case opts.Timeout == nil || *opts.Timeout <= 0:
		opts.SetTimeout(DefaultTimeout)
	}
	opts.SetReadConcern(readconcern.Majority()).
		SetWriteConcern(writeconcern.Majority()).
		SetReadPreference(readpref.Primary()).
		SetRetryReads(true).
		SetRetryWrites(true).
		SetRegistry(registry()).
		SetBSONOptions(&options.BSONOptions{UseJSONStructTags: true})
	if opts.AppName == nil {
		opts.SetAppName("cordon")
	}
	return opts, database, nil
}

// readPassword sets the password of the URI's user from a file.
func readPassword(opts *options.ClientOptions, file string) error {
	if opts.Auth == nil || opts.Auth.Username == "" {
		return errNoUser
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the MongoDB password file: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" || strings.ContainsRune(password, 0) {
		return errPassword
	}
	credential := *opts.Auth
	credential.Password, credential.PasswordSet = password, true
	opts.SetAuth(credential)
	return nil
}

// databaseOf gives the database of a URI that is known to be well formed: a slash elsewhere than
// before the path would be percent-encoded.
func databaseOf(uri string) string {
	_, rest, _ := strings.Cut(uri, "://")
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest, "/")
	if database, err := url.QueryUnescape(path); err == nil && database != "" {
		return database
	}
	return "cordon"
}

// greet refuses a server that cannot keep the contract.
func (s *Store) greet(ctx context.Context, seen *servers) error {
	var hello struct {
		SetName        string `bson:"setName"`
		Msg            string `bson:"msg"`
		MaxWireVersion int32  `bson:"maxWireVersion"`
	}
	err := s.client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello)
	switch {
	case err != nil && seen.any("Standalone"):
		// The URI names a replica set: the driver does not talk to this server.
		return errStandalone
	case err != nil && seen.any("RSGhost"):
		return errNotInitiated
	case hasCode(err, codeLogin):
		return errLogin
	case err != nil:
		return s.explain(ctx, "greet the server", err)
	case hello.SetName == "" && hello.Msg != "isdbgrid":
		return errStandalone
	case hello.MaxWireVersion < wireVersion7:
		return errTooOld
	}
	return nil
}

// servers remembers what kinds of servers the driver has met, also those it does not use.
type servers struct {
	mu    sync.Mutex
	kinds map[string]string // by address
}

func (s *servers) monitor() *event.ServerMonitor {
	return &event.ServerMonitor{ServerDescriptionChanged: func(e *event.ServerDescriptionChangedEvent) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.kinds == nil {
			s.kinds = make(map[string]string)
		}
		s.kinds[string(e.Address)] = e.NewDescription.Kind
	}}
}

func (s *servers) any(kind string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kinds {
		if k == kind {
			return true
		}
	}
	return false
}
