package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// setting is one row of the table: a flag, its variable and its place in the file.
type setting struct {
	name  string // of the flag
	value any    // the default; its type is the flag's
	usage string
}

// group is a part of the table.
type group struct {
	title    string
	settings []setting
}

// secrets are settings that must not be typed on a command line, where every user of the machine
// can read them.
var secrets = map[string]string{"key": "key-file"}

// talking is the title of the group behind those of the server.
const talking = "Talking to a server (all other commands)"

// settings is the one table of everything that can be set.
func settings() []group {
	return []group{
		{"The server (cordon serve)", []setting{
			{"data", "./cordon-data", "folder of the embedded store and of the journal"},
			{"mongodb-uri", "", "keep the state in this MongoDB replica set; the database is the one in the path, cordon without one"},
			{"mongodb-password-file", "", "file with the password for --mongodb-uri"},
			{"listen", "127.0.0.1:8080", "address to serve on; port 0 takes a free one"},
			{"metrics-listen", "127.0.0.1:9090", "address of metrics and pprof; off: none"},
			{"public-url", "", "how callers reach the server, such as https://cordon.example.com; stands in the AuthZEN metadata"},
			{"dev", false, "try it: loopback only, with the demo organization in an empty store and a new key at each start"},
			{"replica", "", "name of this server in the record, its own and always the same (default one that is kept in --data)"},
			{"journal-sync", "interval", "when an answered decision is on disk: always (before the answer), or interval (written before it, synced soon after)"},
			{"journal-interval", 50 * time.Millisecond, "how often the journal is synced to disk with --journal-sync interval"},
			{"journal-max-bytes", 1 << 30, "bytes of decisions that may wait for the store; beyond, decisions are answered 503"},
			{"max-staleness", 2 * time.Second, "how long decisions are made from the cache without a sign of life of the store"},
			{"drain-delay", time.Duration(0), "how long to go on serving with /readyz at 503 before shutting down, for load balancers to notice"},
			{"drain-timeout", 20 * time.Second, "how long to wait for the requests under way when shutting down"},
			{"cache-entities", 1_000_000, "users and products that are kept in memory at most"},
			{"cache", "all", "what is kept in memory: all, facts (the rules are asked every time) or none (and the store too); for measuring"},
			{"rate-limit", 0, "requests a second that one caller may send; 0: any number"},
			{"rate-burst", 0, "requests that one caller may send at once; 0: those of a second"},
			{"trusted-proxies", []string{}, "networks such as 10.0.0.0/8 whose X-Forwarded-For is believed, by comma"},
			{"log-level", "info", "least level that is logged: debug, info, warn or error"},
		}},
		{"Tokens, beside API keys", []setting{
			{"jwt-issuer", "", "accept JWTs of this issuer (iss); their scope and sub say what and for whom"},
			{"jwt-audience", "", "which must be made for this audience (aud)"},
			{"jwt-keys-url", "", "where the issuer's public keys are (a JWKS)"},
			{"jwt-algorithms", []string{}, "signature algorithms that are accepted (default RS256, PS256, ES256, ES384, EdDSA)"},
			{"jwt-organization-claim", "", "claim that names the one organization of a token; a token without it is refused"},
			{"jwt-leeway", time.Duration(0), "how far the issuer's clock may be from ours"},
		}},
		{"Mail and webhooks", []setting{
			{"smtp-address", "", "HOST:PORT of the mail server; without it no mail is sent"},
			{"smtp-from", "", "sender of all mail"},
			{"smtp-tls", "starttls", "none, starttls or tls"},
			{"smtp-user", "", "user at the mail server"},
			{"smtp-password-file", "", "file with the password at the mail server"},
			{"webhooks-allow-private", false, "let webhooks call private networks and this machine, and plain http"},
		}},
		{talking, []setting{
			{"url", "http://127.0.0.1:8080", "server to talk to"},
			{"key", "", "API key; never typed as a flag, where others could read it"},
			{"key-file", "", "file with the API key"},
			{"as", "", "act as this user (the key needs the scope act)"},
			{"agent", "", "act as this support agent (the key needs the scope support)"},
			{"timeout", 10 * time.Second, "longest wait for one try of a call"},
			{"output", "table", "how to print: table or json; of log also ndjson and csv"},
			{"config", "", "YAML file with settings"},
		}},
		{"Of single commands", []setting{
			{"organization", "", "id of the organization"},
			{"name", "", "name of the key"},
			{"scopes", []string{}, "scopes of the key, by comma: decide, directory, act, support, audit, policy, admin; or all"},
			{"expires-in", "", "end after this time, such as 90m, 36h or 30d"},
			{"reason", "", "why; it is shown to everyone who sees the product"},
			{"ticket", "", "your ticket about it"},
			{"justification", "", "why, in at least 10 characters; it goes to the record only"},
			{"support-code", "", "the code that the requester made with cordon support-code"},
			{"channels", []string{}, "channels to block beside manager, kdrive_web and mail_web: imap, smtp, ftp, ssh, database"},
			{"preview", false, "say what the block would do, and do nothing"},
			{"type", "product", "what the question is about: product, user, organization or channel"},
			{"channel", "", "channel by which mail is read or sent: mail_web, imap or smtp"},
			{"role", "", "the new role, for change_role"},
			{"at-least", []string{}, "ORGANIZATION=REVISION: decide at that revision or later"},
			{"subject", "", "only questions about what this user may do"},
			{"action", "", "only questions about this action"},
			{"resource", "", "only questions about the thing with this id"},
			{"decision", "", "only these answers: allowed or denied"},
			{"why", "", "only answers with this reason code, such as product_blocked"},
			{"kind", "", "only this kind of record: decision, change or read"},
			{"caller", "", "only what this key asked"},
			{"actor", "", "only what was asked or done by this acting user"},
			{"by-agent", "", "only what was asked or done by this support agent"},
			{"policy", "", "only what this policy digest decided"},
			{"request-id", "", "only what this request asked"},
			{"trace-id", "", "only what this trace asked"},
			{"batch", "", "only the questions of this batch"},
			{"from", "", "only since: a time such as 2026-01-31T12:00:00Z, or how long ago, such as 2h or 7d"},
			{"to", "", "only before: a time, or how long ago"},
			{"limit", 50, "at most so many records; 0: all"},
			{"organizations", 10, "how many organizations to make"},
			{"seed", 1, "the same seed makes the same data"},
			{"users-per", 33, "users of each organization"},
			{"products-per", 50, "products of each organization"},
			{"small", false, "the one organization that serve --dev loads, instead"},
		}},
	}
}

// variable is the name of a setting's environment variable.
func variable(name string) string {
	return "CORDON_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// addSettings makes flags of the settings of these names.
func addSettings(flags *pflag.FlagSet, names []string) {
	table := map[string]setting{}
	for _, g := range settings() {
		for _, s := range g.settings {
			table[s.name] = s
		}
	}
	for _, name := range names {
		s, ok := table[name]
		if !ok {
			panic("config.go has no setting " + name)
		}
		switch v := s.value.(type) {
		case string:
			short := ""
			if name == "output" {
				short = "o"
			}
			flags.StringP(name, short, v, s.usage)
		case bool:
			flags.Bool(name, v, s.usage)
		case int:
			flags.Int(name, v, s.usage)
		case time.Duration:
			flags.Duration(name, v, s.usage)
		case []string:
			flags.StringSlice(name, v, s.usage)
		default:
			panic(fmt.Sprintf("config.go: %s is a %T", name, v))
		}
		if _, secret := secrets[name]; secret {
			flags.Lookup(name).Hidden = true
		}
	}
}

// config gives the settings of a command. A name that the command does not have is a mistake in the
// program and panics.
type config struct{ flags *pflag.FlagSet }

func (c config) text(name string) string            { return must(c.flags.GetString(name)) }
func (c config) is(name string) bool                { return must(c.flags.GetBool(name)) }
func (c config) number(name string) int             { return must(c.flags.GetInt(name)) }
func (c config) duration(name string) time.Duration { return must(c.flags.GetDuration(name)) }
func (c config) list(name string) []string          { return must(c.flags.GetStringSlice(name)) }

// given tells whether a setting was given by a flag, a variable or the file.
func (c config) given(name string) bool { return c.flags.Changed(name) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
