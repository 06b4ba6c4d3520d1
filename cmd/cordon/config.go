package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"cordon.example/client"

	"github.com/spf13/pflag"
)

// setting is one row of the table: a flag, its variable and its place in the file.
type setting struct {
	name  string // of the flag
	value any    // the default; its type is the flag's
	bound bound  // what it must be; of a bool nothing
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

// eachCall is the title of the group of what is said with each call: what it does, why, and what it asks.
// These are flags alone, and no settings. A variable or a file that turned every block into a preview,
// gave every act the same reason, or filtered every reading of the log would mislead without a word.
const eachCall = "Said with each call (flags alone: no variable, no name in the file)"

// settings is the one table of everything that can be set. It is made once: each flag of each command is looked up in it.
var settings = sync.OnceValue(func() []group {
	return []group{
		{"The server (cordon serve)", []setting{
			{"data", "./cordon-data", folder, "folder of the embedded store and of the journal"},
			{"mongodb-uri", "", mongoURI, "keep the state in this MongoDB replica set; the database is the one in the path, cordon without one"},
			{"mongodb-password-file", "", files, "file with the password for --mongodb-uri"},
			{"listen", "127.0.0.1:8080", hostPort, "address to serve on; port 0 takes a free one"},
			{"tls-cert", "", files, "file with the certificate and those that vouch for it (PEM): serve https; read again when it changes"},
			{"tls-key", "", files, "file with the certificate's private key (PEM)"},
			{"tls-client-ca", "", files, "file with authorities (PEM), of which one must vouch for a certificate of each caller"},
			{"anonymous", false, bound{}, "answer AuthZEN's questions of callers without a key, too; on the loopback, or with --tls-client-ca"},
			{"metrics-listen", "127.0.0.1:9090", hostPort.or("off"), "address of the metrics; off: none"},
			{"pprof", false, bound{}, "serve /debug/pprof beside the metrics; refused where they listen on all addresses"},
			{"public-url", "", publicURL, "how callers reach the server, such as https://cordon.example.com; stands in the AuthZEN metadata"},
			{"metadata-key", "", files, "file with a private key in PEM (RSA, EC or Ed25519) that signs the AuthZEN metadata, as signed_metadata; who trusts it is told the public key by other ways"},
			{"opa-packages", []string{}, packages, "packages that callers of Open Policy Agent may ask for at /v1/data, by comma: cordon, and authzen.NAME of the policy set NAME; without it there is nothing"},
			{"dev", false, bound{}, "try it: loopback only, with the demo organization in an empty store and a new key at each start"},
			{"policies", "", files, "with --dev: folder of a policy (as cordon/... lies in it), in force whenever something in it is saved; no gate is asked"},
			{"replica", "", replicas, "name of this server in the record, its own and always the same (default one that is kept in --data)"},
			{"journal-sync", "interval", among("always", "interval"), "when an answered decision is on disk: always (before the answer), or interval (written before it, synced soon after)"},
			{"journal-interval", 50 * time.Millisecond, lasting(time.Millisecond, 10*time.Second), "how often the journal is synced to disk with --journal-sync interval"},
			{"journal-max-bytes", 1 << 30, number(1<<20, 1<<40), "bytes of decisions that may wait for the store; beyond, decisions are answered 503"},
			{"seal-after", time.Minute, lasting(time.Second, time.Minute), "how old a record is when it is sealed: moved into a segment, found by its index, and proved by a signed checkpoint"},
			{"audit-key", "", files, "file with the key that signs the log, which cordon audit new-key makes; without it one is made and kept in the store"},
			{"audit-origin", "cordon/log", origins, "name of the log in its checkpoints, such as log.example.com/cordon; it is that of the key, once there is one"},
			{"audit-witness", "", places, "second place for each checkpoint: a file, or the URL of a witness (C2SP tlog-witness, with its add-checkpoint)"},
			{"log-cache-bytes", 96 << 20, number(1<<20, 1<<40), "bytes of memory that what was read of sealed records is kept in at most"},
			{"max-staleness", 2 * time.Second, lasting(100*time.Millisecond, time.Minute), "how long decisions are made from the cache without a sign of life of the store"},
			{"drain-delay", time.Duration(0), lasting(0, 10*time.Minute), "how long to go on serving with /readyz at 503 before shutting down, for load balancers to notice"},
			{"drain-timeout", 20 * time.Second, lasting(time.Second, 10*time.Minute), "how long to wait for the requests under way when shutting down"},
			{"cache-bytes", 256 << 20, number(1<<20, 1<<40), "bytes of memory that facts of users and products are kept in at most"},
			{"cache", "all", among("all", "facts", "none"), "what is kept in memory: all, facts (the rules are asked every time) or none (and the store too); for measuring"},
			{"rate-limit", 0, number(0, 1_000_000), "requests a second that one caller may send; 0: any number"},
			{"rate-burst", 0, number(0, 1_000_000), "requests that one caller may send at once; 0: those of a second"},
			{"trusted-proxies", []string{}, proxies, "networks such as 10.0.0.0/8 whose X-Forwarded-For is believed, by comma"},
			{"gateway-routes", "", files, "file (YAML) of the routes that gateways such as nginx, Caddy, Traefik and Envoy ask about; read again at SIGHUP"},
			{"log-level", "info", levels, "least level that is logged: debug, info, warn or error"},
		}},
		{"Tokens, beside API keys", []setting{
			{"jwt-issuer", "", word, "accept JWTs of this issuer (iss); their scope and sub say what and for whom"},
			{"jwt-audience", "", word, "which must be made for this audience (aud)"},
			{"jwt-keys-url", "", keysURL, "where the issuer's public keys are (a JWKS); without it the issuer's metadata says it, for which --jwt-issuer must be an https URL"},
			{"jwt-keys-refresh", 15 * time.Minute, lasting(10*time.Second, 12*time.Hour), "how often those are fetched again; a key that the issuer withdraws is trusted as long"},
			{"jwt-profile", "any", among("any", "rfc9068"), "rfc9068: only access tokens of the type at+jwt with client_id, iat and jti; any: of the type JWT, or of none, too"},
			{"jwt-scope-prefix", "", word, "what stands before our scopes in a token, such as cordon. for cordon.decide; scopes without it are not ours"},
			{"jwt-algorithms", []string{}, algorithms, "signature algorithms that are accepted (default RS256, PS256, ES256, ES384, EdDSA)"},
			{"jwt-organization-claim", "", word, "claim that names the one organization of a token; a token without it is refused"},
			{"jwt-leeway", time.Duration(0), lasting(0, 5*time.Minute), "how far the issuer's clock may be from ours"},
		}},
		{"Mail and webhooks", []setting{
			{"smtp-address", "", mailServer, "HOST:PORT of the mail server; without it no mail is sent"},
			{"smtp-from", "", mailbox, "sender of all mail"},
			{"smtp-tls", "starttls", among("none", "starttls", "tls"), "none, starttls or tls"},
			{"smtp-user", "", word, "user at the mail server"},
			{"smtp-password-file", "", files, "file with the password at the mail server"},
			{"policy-administrators", []string{}, addressees, "who is told by mail of acts on policies, by comma: addresses, each with a language behind a colon where that is not en, such as ada@example.com,eva@example.com:fr"},
			{"host-name", "", hostName, "name of the host, as its customers know it, in mails"},
			{"host-color", "", colors, "colour of the line above a mail, such as #1a6fb0"},
			{"console-url", "", publicURL, "address of the web console that mails link to, such as https://console.example.com; without it there are no links"},
			{"webhooks-allow-private", false, bound{}, "let webhooks call private networks and this machine, and plain http"},
		}},
		{talking, []setting{
			{"url", "http://127.0.0.1:8080", webURL, "server to talk to"},
			{"key", "", anything, "API key; never typed as a flag, where others could read it"},
			{"key-file", "", files, "file with the API key"},
			{"as", "", word, "act as this user (the key needs the scope act)"},
			{"agent", "", word, "act as this support agent (the key needs the scope support)"},
			{"language", "", word, "language of messages, as Accept-Language says it: fr, or de-CH, fr;q=0.8 (default en)"},
			{"explain", "", readers, "tell the decision in sentences: to the user concerned, or to an admin (the key needs the scope audit); of log the id of the record to decide again"},
			{"ca-file", "", files, "file with authorities (PEM) that vouch for the server, instead of this machine's"},
			{"client-cert", "", files, "file with a certificate (PEM) for a server that asks for one"},
			{"client-key", "", files, "file with that certificate's private key (PEM)"},
			{"timeout", 10 * time.Second, lasting(time.Millisecond, time.Hour), "longest wait for one try of a call"},
			{"output", "table", anything, "how to print: table or json; of log also ndjson, csv, parquet and opa"},
			{"config", "", files, "YAML file with settings"},
		}},
		{"Of single commands", []setting{
			{"organization", "", word, "id of the organization"},
			{"set", client.SetCordon, word, "policy set; cordon is the built-in one"},
			{"sample", "1", shares, "of which share of the questions, more than 0 and up to 1, a version is asked beside the one in force"},
			{"end", false, bound{}, "have no version asked beside the one in force"},
			{"scopes", []string{}, scopes, "scopes of the key, by comma: decide, directory, act, support, audit, policy, policy:draft, policy:approve, policy:activate, admin; or all"},
			{"support-code", "", secretWord, "the code that the requester made with cordon support-code"},
			{"limit", 50, number(0, 1_000_000), "at most so many records or results; 0: all"},
			{"organizations", 10, number(0, 99_999), "how many organizations to make"},
			{"seed", 1, anything, "the same seed makes the same data"},
			{"users-per", 33, number(1, 9_999), "users of each organization, the legal representative among them"},
			{"products-per", 50, number(0, 9_999), "products of each organization"},
			{"small", false, bound{}, "the one organization that serve --dev loads, instead"},
		}},
		{eachCall, []setting{
			{"name", "", word, "name of the key"},
			{"expires-in", "", spans, "end after this time, such as 90m, 36h or 30d"},
			{"message", "", anything, "what it is for; it goes on record with the change"},
			{"parent", "", word, "version that the folder was made of, where it was not made by pull"},
			{"force", false, bound{}, "overwrite what was edited"},
			{"version", "", word, "version of the policy: a digest, the beginning of one, active, or a folder that was pushed; without: the one in force"},
			{"input", "", anything, "the input of the rules, in JSON, or @FILE"},
			{"facts", "", anything, "members of the input that are to be otherwise, in JSON, or @FILE"},
			{"against", "", word, "version that is compared with; unless told the one in force or, while a glass is broken, the one that will be again"},
			{"activations", false, bound{}, "list when each version came into force, and how"},
			{"acknowledge", []string{}, word, "ids of groups of the difference and of flips of a replay that are meant, by comma"},
			{"break-glass", "", anything, "activate past the gates, for this reason, until --expires-in is over"},
			{"reason", "", anything, "why; that of a product's block is shown to everyone who sees the product"},
			{"ticket", "", word, "your ticket about it"},
			{"justification", "", anything, "why, in at least 10 characters; it goes to the record only"},
			{"purpose", "", anything, "why you read the log, in up to 500 characters; it goes on record with the reading"},
			{"channels", []string{}, word.offering(client.Channels()...), "channels to block beside manager, kdrive_web and mail_web: imap, smtp, ftp, ssh, database"},
			{"events", []string{}, word.offering(client.WebhookEvents()...), "only these events, by comma, such as product.blocked; without: all"},
			{"preview", false, bound{}, "say what the act would do, and do nothing; it needs no reason"},
			{"type", "product", among(client.Types()...), "what the question is about: product, user, organization or channel"},
			{"channel", "", word.offering(client.ChannelMailWeb, client.ChannelIMAP, client.ChannelSMTP), "channel by which mail is read or sent: mail_web, imap or smtp"},
			{"role", "", word.offering(client.Roles()...), "the new role, for change_role"},
			{"at-least", []string{}, revisions, "ORGANIZATION=REVISION: decide at that revision or later"},
			{"subject", "", word, "only questions about what this user may do"},
			{"action", "", word, "only questions about this action"},
			{"resource", "", word, "only questions about the thing with this id"},
			{"decision", "", answers, "only these answers: allowed or denied; of messages only those of the record with this id; of policy test add what is to be answered"},
			{"state", "", among(client.MessageStates()...), "only messages in this state: pending, leased, done or dead (given up)"},
			{"why", "", word, "only answers with this reason code, such as product_blocked"},
			{"origin", "", among(client.Origins()...), "only what is about a block of theirs: administrator, support or host"},
			{"text", "", anything, "only acts whose reason or justification has all of these words"},
			{"class", "", among(client.RetentionClasses()...), "only this class: decisions, changes, reads, messages or procedures"},
			{"kind", "", among(client.RecordKinds()...), "only this kind of record: decision, change, read or gap"},
			{"caller", "", word, "only what this key asked"},
			{"actor", "", word, "only what was asked or done by this acting user"},
			{"by-agent", "", word, "only what was asked or done by this support agent"},
			{"policy", "", word, "only what this policy digest decided"},
			{"request-id", "", word, "only what this request asked"},
			{"trace-id", "", word, "only what this trace asked"},
			{"batch", "", word, "only the questions of this batch"},
			{"by-replica", "", word, "only what this replica put on record"},
			{"sequence", 0, number(0, math.MaxInt), "only what has this number, which each replica counts for itself; 0: any"},
			{"revision", 0, number(0, math.MaxInt), "only what was decided at this revision of its organization; 0: any"},
			{"oldest", false, bound{}, "begin with the oldest"},
			{"follow", false, bound{}, "print records as they come"},
			{"into", "", files, "export into this file, and go on with it where it broke off"},
			{"cursor", "", word, "export what has come since the export that printed this cursor"},
			{"by", "", among(client.CountsBy()...), "count records by reason, action, organization or hour"},
			{"at", "", moments, "as it was then: a time such as 2026-01-31T12:00:00Z, or how long ago, such as 2h or 7d (the key needs the scope audit)"},
			{"from", "", beginnings, "only since: a time such as 2026-01-31T12:00:00Z, or how long ago, such as 2h or 7d; of policy test add the id of a decision"},
			{"to", "", moments, "only before: a time, or how long ago"},
			{"since", "", files, "file with a checkpoint of before: print it with the proof that the log goes on from it"},
			{"size", 0, number(0, math.MaxInt), "of how many records the log is that is to go on from it; without, as it is now"},
			{"checkpoint", "", files, "file with a checkpoint of before, which the log must go on from"},
		}},
	}
})

// saidEachCall reports whether a flag is no setting.
func saidEachCall(name string) bool {
	for _, g := range settings() {
		if g.title == eachCall {
			return slices.ContainsFunc(g.settings, func(s setting) bool { return s.name == name })
		}
	}
	return false
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
			short := map[string]string{"output": "o", "message": "m"}[name]
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
