package main

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cordon.example/client"
	"cordon/guard/notify"
	"cordon/ledger/tree"

	"github.com/spf13/pflag"
)

// bound is what values of a setting are taken. Of a list it is what each of its items must be.
type bound struct {
	says   string // what it must be, behind "must be"
	holds  func(value string) bool
	ranged bool     // says stands in the table of help config, too
	secret bool     // a value that is refused is not shown: there may be a password in it
	words  []string // all that it can be, or those that completion offers; nil: there is no end of them
}

// anything is the bound of what is free: the names of files, texts that somebody else judges.
var anything = bound{holds: func(string) bool { return true }}

// Bounds of settings that more than one has.
var (
	hostPort = bound{says: "HOST:PORT with a port of 0 to 65535", holds: func(v string) bool { _, port, ok := address(v); return ok && port >= 0 }}
	webURL   = bound{says: "http://HOST or https://HOST, with a port and a path where there are", holds: isWebURL, secret: true}
	places   = bound{says: "a file, or http://HOST/... or https://HOST/...", holds: func(v string) bool { return v != "" && (!strings.Contains(v, "://") || isWebURL(v)) }, secret: true}
	files    = bound{says: "the name of a file", holds: func(v string) bool { return v != "" }}
	word     = bound{says: "1 to 1024 bytes without control characters", holds: isWord}
	moments  = bound{says: "a time such as 2026-01-31T12:00:00Z or 2026-01-31, or how long ago, such as 2h or 7d", holds: func(v string) bool {
		_, err := momentOf(v, time.Now())
		return err == nil
	}}
)

// Bounds of single settings.
var (
	origins    = bound{says: "1 to 255 printable ASCII characters without a space and a plus, such as log.example.com/cordon", holds: func(v string) bool { return tree.CheckOrigin(v) == nil }}
	folder     = bound{says: "the folder of the store and of the journal", holds: func(v string) bool { return v != "" }}
	mongoURI   = bound{says: "mongodb://HOST,.../DATABASE or mongodb+srv://HOST/DATABASE", holds: isMongoURI, secret: true}
	publicURL  = bound{says: "http://HOST or https://HOST, without user, query and fragment", holds: isPublicURL, secret: true}
	keysURL    = bound{says: "https://HOST/..., or http on this machine alone, for whoever changes the keys on the way signs tokens", holds: isKeysURL, secret: true}
	proxies    = bound{says: "a network such as 10.0.0.0/8, and not everybody's", holds: isProxies}
	mailServer = bound{says: "HOST:PORT with a port of 1 to 65535", holds: isServer}
	mailbox    = bound{says: "a mail address, such as Cordon <cordon@example.com>", holds: isMailbox}
	addressees = bound{says: "mail addresses by comma, each with a language of ours behind a colon or none, such as ada@example.com:fr", holds: isAdministrator}
	scopes     = bound{says: "scopes by comma, of " + strings.Join(client.Scopes(), ", ") + "; or all", holds: isScope, words: append(client.Scopes(), "all")}
	shares     = matching(`^(0?\.[0-9]{1,9}|1(\.0{1,9})?)$`, "a share such as 0.1, up to 1")
	spans      = bound{says: "a span of time such as 90m, 36h or 30d", holds: isSpan}
	answers    = matching(`^(allowed|denied|true|false|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`, "allowed or denied, or of messages the id of a record").offering("allowed", "denied")
	beginnings = bound{says: moments.says + "; of policy test add the id of a record", holds: func(v string) bool { return moments.holds(v) || isRecordID(v) }}
	readers    = matching(`^(user|admin|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`, "user or admin, or of log the id of a record").offering(client.ExplainUser, client.ExplainAdmin)
	hostName   = matching(`^[^\pC\s]([^\pC]{0,58}[^\pC\s])?$`, "1 to 60 characters on one line")
	colors     = matching(`^#[0-9A-Fa-f]{6}$`, "a colour such as #1a6fb0")
	levels     = among("debug", "info", "warn", "error")
	algorithms = among("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
	packages   = matching(`^(cordon|authzen\.[a-z][a-z0-9_]{0,62})$`, "cordon, or authzen. and the name of a policy set")
	replicas   = matching(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,119}$`, "1 to 120 letters, digits and . _ @ -, the first a letter or digit")
	revisions  = matching(`^[^=]+=[0-9]{1,18}$`, "ORGANIZATION=REVISION, such as acme=7")
	secretWord = bound{says: word.says, holds: isWord, secret: true}
)

// recordID is what the id of a record looks like.
var recordID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// isRecordID reports whether a value is the id of a record, and not one of what else a setting takes.
func isRecordID(v string) bool { return recordID.MatchString(v) }

// number is a whole number within limits.
func number(least, most int) bound {
	return bound{says: fmt.Sprintf("%d to %d", least, most), ranged: true, holds: func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && least <= n && n <= most
	}}
}

// lasting is a duration within limits.
func lasting(least, most time.Duration) bound {
	return bound{says: fmt.Sprintf("%s to %s", short(least), short(most)), ranged: true, holds: func(v string) bool {
		d, err := time.ParseDuration(v)
		return err == nil && least <= d && d <= most
	}}
}

// short is a duration as one would type it.
func short(d time.Duration) string {
	text := d.String()
	if rest, ok := strings.CutSuffix(text, "m0s"); ok {
		text = rest + "m"
	}
	if rest, ok := strings.CutSuffix(text, "h0m"); ok {
		text = rest + "h"
	}
	return text
}

// among is one of a few words.
func among(words ...string) bound {
	return bound{says: "one of " + strings.Join(words, ", "), words: words, holds: func(v string) bool { return slices.Contains(words, v) }}
}

// matching is what a pattern matches.
func matching(pattern, says string) bound {
	return bound{says: says, holds: regexp.MustCompile(pattern).MatchString}
}

// offering gives words that completion offers, of many that are taken.
func (b bound) offering(words ...string) bound {
	b.words = words
	return b
}

// or adds a word to what is taken.
func (b bound) or(word string) bound {
	holds := b.holds
	b.words = append(b.words, word)
	b.says, b.holds = word+" or "+b.says, func(v string) bool { return v == word || holds(v) }
	return b
}

// address takes HOST:PORT apart.
func address(text string) (host string, port int, ok bool) {
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	return host, int(n), err == nil
}

func isServer(v string) bool {
	host, port, ok := address(v)
	return ok && host != "" && port > 0
}

func isWebURL(v string) bool {
	u, err := url.Parse(v)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.RawQuery == "" && u.Fragment == "" && u.Opaque == ""
}

// isPublicURL tells whether it can stand in the metadata, which everybody may read.
func isPublicURL(v string) bool {
	u, err := url.Parse(v)
	return err == nil && isWebURL(v) && u.User == nil
}

// isKeysURL tells whether what is fetched there is the issuer's: whoever can change it on the way
// signs tokens that are taken.
func isKeysURL(v string) bool {
	u, err := url.Parse(v)
	return err == nil && u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()))
}

func isMongoURI(v string) bool {
	return strings.HasPrefix(v, "mongodb://") || strings.HasPrefix(v, "mongodb+srv://")
}

// isProxies tells whether it is a network, and not that of everybody, whose word on who they are
// would then be believed.
func isProxies(v string) bool {
	p, err := netip.ParsePrefix(strings.TrimSpace(v))
	return err == nil && p.Bits() > 0
}

func isMailbox(v string) bool {
	_, err := mail.ParseAddress(v)
	return err == nil
}

func isAdministrator(v string) bool {
	_, err := notify.ParseAdministrator(strings.TrimSpace(v))
	return err == nil
}

func isWord(v string) bool {
	return v != "" && len(v) <= 1024 && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func isScope(v string) bool {
	return v == "all" || slices.Contains(client.Scopes(), strings.TrimSpace(v))
}

func isSpan(v string) bool {
	d, err := span(v)
	return err == nil && d > 0
}

// checkSettings refuses a setting that is out of its bounds, wherever it came from. What is not
// given is not looked at: defaults hold, and an empty variable is none. An empty flag is refused where
// the setting has bounds: it comes of a shell variable that is not set, and would make a key for all
// organizations out of one for --organization, or the host's act out of one --as somebody.
func checkSettings(flags *pflag.FlagSet) error {
	for _, g := range settings() {
		for _, s := range g.settings {
			f := flags.Lookup(s.name)
			if f == nil || !f.Changed || s.bound.holds == nil {
				continue
			}
			values := []string{f.Value.String()}
			if list, ok := f.Value.(pflag.SliceValue); ok {
				values = list.GetSlice()
			}
			for _, v := range values {
				if s.bound.holds(v) || v == "" && s.value == "" && !typed(f) {
					continue
				}
				shown := ", not " + strconv.Quote(v)
				if s.bound.secret {
					shown = ""
				}
				return wrongUse("%s must be %s%s", origin(f), s.bound.says, shown)
			}
		}
	}
	return nil
}

// typed reports whether a flag was given on the command line.
func typed(f *pflag.Flag) bool { return len(f.Annotations[source]) == 0 }

// origin names a setting as it was given.
func origin(f *pflag.Flag) string {
	from := f.Annotations[source]
	switch {
	case typed(f):
		return "--" + f.Name
	case from[0] == variable(f.Name):
		return from[0]
	}
	return f.Name + " in " + from[0]
}
