package mongo_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/goleak"
)

func TestOpenRefusesAStandalone(t *testing.T) {
	s := startStandalone(t)
	for name, uri := range map[string]string{
		"with a direct connection":            s.direct(),
		"where the URI names no replica set":  "mongodb://127.0.0.1:" + s.port,
		"where the URI names a replica set":   "mongodb://127.0.0.1:" + s.port + "/?replicaSet=rs0",
		"where the URI names a set and hosts": "mongodb://127.0.0.1:" + s.port + ",127.0.0.1:1/?replicaSet=rs0",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := mongo.Open(t.Context(), mongo.Config{URI: uri, Timeout: 2 * time.Second})
			if err == nil || !strings.Contains(err.Error(), "standalone") || !strings.Contains(err.Error(), "--replSet") {
				t.Errorf("got error %v, want one that says standalone and --replSet", err)
			}
			if errors.Is(err, datastore.ErrUnavailable) {
				t.Errorf("got error %v, want one that waiting does not mend", err)
			}
		})
	}
}

func TestOpenWithoutAServerIsUnavailable(t *testing.T) {
	uri := "mongodb://127.0.0.1:" + freePort(t)
	for name, uri := range map[string]string{"one": uri, "a set": uri + "/?replicaSet=rs0"} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := mongo.Open(t.Context(), mongo.Config{URI: uri, Timeout: 300 * time.Millisecond})
			if !errors.Is(err, datastore.ErrUnavailable) {
				t.Errorf("got error %v, want it to wrap ErrUnavailable", err)
			}
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("took %v with a timeout of 300 ms", took)
			}
		})
	}
}

// TestOpenNeverTellsASecret holds it against connection strings of which the driver's errors show parts.
func TestOpenNeverTellsASecret(t *testing.T) {
	const secret = "hunter2"
	dead := "127.0.0.1:" + freePort(t)
	for name, uri := range map[string]string{
		"no scheme":                "user:hunter2@" + dead,
		"another scheme":           "hunter2://" + dead,
		"a bad escape":             "mongodb://user:hunter2%zz@" + dead + "/db",
		"an escape in a user":      "mongodb://hunter2%zz:x@" + dead,
		"an unescaped colon":       "mongodb://user:x:hunter2@" + dead,
		"an unescaped slash":       "mongodb://user:x/hunter2@" + dead,
		"an option's bad escape":   "mongodb://" + dead + "/?tlsCertificateKeyFilePassword=hunter2%zz",
		"an option's value":        "mongodb://" + dead + "/?maxPoolSize=hunter2",
		"a key file":               "mongodb://" + dead + "/?tls=true&tlsCertificateKeyFile=/hunter2.pem",
		"a mechanism":              "mongodb://user:hunter2@" + dead + "/?authMechanism=hunter2",
		"a mechanism's property":   "mongodb://user:hunter2@" + dead + "/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:hunter2,X:hunter2",
		"PLAIN":                    "mongodb://user:hunter2@" + dead + "/?authMechanism=PLAIN&authSource=$external",
		"PLAIN in small letters":   "mongodb://user:hunter2@" + dead + "/?authMechanism=plain&authSource=$external",
		"a database":               "mongodb://user:hunter2@" + dead + "/hunter2.x",
		"a bad port":               "mongodb://user:hunter2@127.0.0.1:hunter2/db",
		"two ways to connect":      "mongodb://user:hunter2@" + dead + ",b/?directConnection=true",
		"nobody there":             "mongodb://user:hunter2@" + dead + "/db?connectTimeoutMS=100",
		"nobody there, with a set": "mongodb://user:hunter2@" + dead + "/db?replicaSet=rs0",
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			_, err := mongo.Open(t.Context(), mongo.Config{
				URI: uri, Timeout: 300 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&logged, nil)),
			})
			if err == nil {
				t.Fatal("opened")
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(logged.String(), secret) {
				t.Errorf("the secret is shown: %v; logged: %s", err, logged.String())
			}
			if strings.HasPrefix(name, "PLAIN") && !strings.Contains(err.Error(), "SCRAM") {
				t.Errorf("got error %v, want one that says what to use", err)
			}
		})
	}
}

func TestOpenReadsThePasswordFromAFile(t *testing.T) {
	uri := "mongodb://127.0.0.1:" + freePort(t)
	withUser := "mongodb://cordon@127.0.0.1:" + freePort(t)
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for name, c := range map[string]struct {
		config mongo.Config
		says   string
	}{
		"no user":  {mongo.Config{URI: uri, PasswordFile: file("hunter2\n")}, "no user name"},
		"no file":  {mongo.Config{URI: withUser, PasswordFile: filepath.Join(t.TempDir(), "none")}, "read the MongoDB password file"},
		"empty":    {mongo.Config{URI: withUser, PasswordFile: file("\n")}, "empty"},
		"zero":     {mongo.Config{URI: withUser, PasswordFile: file("hunter2\x00")}, "zero byte"},
		"all good": {mongo.Config{URI: withUser, PasswordFile: file("hunter2\r\n")}, datastore.ErrUnavailable.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.Timeout = 100 * time.Millisecond
			_, err := mongo.Open(t.Context(), c.config)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got error %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestOpenWithAPassword(t *testing.T) {
	s := startServer(t)
	s.admin(t, bson.D{{Key: "createUser", Value: "cordon"}, {Key: "pwd", Value: "hunter2"}, {Key: "roles", Value: bson.A{"root"}}})
	if isMongod() {
		t.Skip("a mongod asks for a password only with a key file as well")
	}
	s.stop(t, syscall.SIGTERM)
	s.args = append(s.args, "--auth")
	s.start(t)
	uri := "mongodb://cordon@127.0.0.1:" + s.port + "/other?authSource=admin&replicaSet=secantus"
	for password, good := range map[string]bool{"hunter2": true, "hunter3": false} {
		file := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		store, err := mongo.Open(t.Context(), mongo.Config{URI: uri, PasswordFile: file, Timeout: 5 * time.Second})
		switch {
		case good && err != nil:
			t.Errorf("with the right password: %v", err)
		case good:
			if got := store.Database().Name(); got != "other" {
				t.Errorf("got database %q, want that of the URI's path", got)
			}
			_ = store.Close()
		case err == nil:
			t.Error("opened with a wrong password")
		case strings.Contains(err.Error(), password):
			t.Errorf("the password is shown: %v", err)
		case !strings.Contains(err.Error(), "refuses the user name or the password"):
			t.Errorf("got error %v, want one that says what is wrong", err)
		}
	}
}

func TestTheDatabaseIsTheOneOfTheURI(t *testing.T) {
	uri := serverURI(t)
	name := databaseName()
	before, options, _ := strings.Cut(uri, "/?")
	for config, want := range map[mongo.Config]string{
		{URI: before + "/" + name + "?" + options}:                       name,
		{URI: before + "/" + name + "?" + options, Database: name + "x"}: name + "x",
	} {
		if got := openConfig(t, config).Database().Name(); got != want {
			t.Errorf("got database %q, want %q", got, want)
		}
	}
}

func TestManyMayOpenAFreshDatabaseAtOnce(t *testing.T) {
	config := mongo.Config{URI: serverURI(t), Database: databaseName()}
	var open sync.WaitGroup
	for range 8 {
		open.Go(func() {
			s, err := mongo.Open(t.Context(), config)
			if err != nil {
				t.Error(err)
				return
			}
			dropAfter(t, s, config.URI)
		})
	}
	open.Wait()
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	config := mongo.Config{URI: serverURI(t), Database: databaseName()}
	openConfig(t, config) // drops it
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, err := mongo.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	putOrganization(t, s, "acme")
	if err := mutate(t.Context(), s, "acme", "r"); err != nil {
		t.Error(err)
	}
	for range datastore.List(t.Context(), s, datastore.Member{Organization: "acme"}, datastore.Page{}) {
		break
	}
	for range 3 {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := s.Ready(context.Background()); !errors.Is(err, datastore.ErrClosed) {
		t.Errorf("got error %v, want ErrClosed", err)
	}
}
