// Package client answers how others ask: by an SDK for programs that talk to a Cordon server.
//
// It holds the wire types of the HTTP API, so that a server and its callers cannot disagree about a
// name, and an SDK over them: [Client] asks for decisions, changes things and reads the log,
// [Middleware] asks before a handler runs, [VerifyWebhook] reads what webhooks tell. It needs the standard library only.
//
//	cordon, err := client.New(client.Config{URL: "https://cordon.example.com", Key: key})
//	allowed, err := cordon.Can(ctx, "alice", client.ActionManage, client.OnProduct("web-1"))
//
// [Client.Can] answers one question and [Client.Decide] says why, [Client.CanAll] and [Filter] ask many at once, and
// [Client.SearchResources] and its like find all for which a question is allowed. A program that takes a [Decider]
// is tested with the fake of cordon.example/client/clienttest.
//
// Whatever goes wrong is an error and never a yes: a server that cannot be reached, an answer that
// is not one, a time-out. A decision comes within a second or is an error (Config.Budget), and knows what this client
// changed before it ([Client.AtLeast]).
//
// Why the wire types are separate from what a store keeps: the API is a contract with callers that
// outlives any way of storing things, and a member that is added to a stored noun must not appear in
// an answer by accident.
package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says which server to talk to, and as whom. Only URL and Key, or Token, are needed.
type Config struct {
	// URL of the server, such as https://cordon.example.com. A path in it is kept.
	URL string
	// Key is the API key (ck_...) or a JWT of the issuer that the server trusts.
	Key string
	// Token gives tokens in place of a Key, one by one as each ends: from the issuer that the server trusts, or from a
	// file or a vault that keys are exchanged in. See [Token].
	Token func(context.Context) (Token, error)
	// HTTPClient is used for all calls; nil is one without cookies. Redirects are not followed, as the key would be taken
	// to another place, unless its CheckRedirect says so.
	HTTPClient *http.Client
	// TLS says whom a server's certificate must be from, and what is shown to a server that asks for
	// one; nil: as this machine does. It is not used with an HTTPClient, which has its own.
	TLS *tls.Config
	// Actor is the user for whom the key acts (scope act); Agent the support agent (scope support).
	// At most one of them is set. See also [Client.As] and [Client.AsAgent].
	Actor string
	Agent string
	// Language is that of messages: what Accept-Language may say, such as "fr" or "de-CH, fr;q=0.8".
	// Empty, or where none fits, they are in English. See also [Client.In].
	Language string
	// Explain adds sentences to decisions and denied acts for one of their readers: ExplainUser for the
	// person concerned, ExplainAdmin (scope audit) for an administrator. See also [Client.Explain].
	Explain string
	// Purpose is why the log is read, in up to 500 characters: it goes on record with the reading. See also
	// [Client.For].
	Purpose string
	// Budget bounds a decision with all its tries: a question, a batch of them or a page of a search; 0 means 1 second,
	// less than 0 its context alone. Whoever waits for a decision is better told soon that there is none.
	Budget time.Duration
	// Timeout bounds one try of another call; 0 means 10 seconds, less than 0 none. Imports and exports
	// are streams and are bounded by their context only.
	Timeout time.Duration
	// Tries is how often a call that is safe to repeat is tried; 0 means 4, 1 never repeats. A decision is tried twice at
	// most: the first try may take half of the budget.
	Tries int
	// MaxWait is the longest wait before a repeat; 0 means 5 seconds. A server that asks for more
	// patience than that (Retry-After) is not asked again.
	MaxWait time.Duration
	// UserAgent is sent as such; empty is "cordon-client".
	UserAgent string
}

// String leaves out the key: what is logged is read by others.
func (c Config) String() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return "a client of a Cordon server"
	}
	return "a client of " + u.Redacted()
}

// GoString is as String.
func (c Config) GoString() string { return c.String() }

// Client talks to one server as one caller. It is safe for concurrent use.
type Client struct {
	config  Config
	base    string // without a slash at the end
	set     string // of policies that is asked; empty: Cordon's own
	atLeast map[string]int64
	shared  *shared
	// The condition of changes of the directory; see IfMatch and IfAbsent.
	ifMatch  string
	ifAbsent bool
}

// shared is what a client and those that are made of it have in common.
type shared struct {
	tokens  tokens
	changes changes
}

// New makes a client. It does not talk to the server yet.
func New(config Config) (*Client, error) {
	u, err := url.Parse(config.URL)
	if err != nil {
		return nil, fmt.Errorf("parse the URL of the Cordon server: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the URL of the Cordon server %q is not of the form http(s)://host[:port]", u.Redacted())
	}
	if (config.Key == "") == (config.Token == nil) {
		return nil, errors.New("a client of a Cordon server needs an API key or a source of tokens, and not both")
	}
	if config.Actor != "" && config.Agent != "" {
		return nil, errors.New("a client acts for a user or for an agent, not for both")
	}
	if config.HTTPClient == nil {
		config.HTTPClient = newHTTPClient(config.TLS)
	} else if config.HTTPClient.CheckRedirect == nil {
		own := *config.HTTPClient // the program's stays as it is
		own.CheckRedirect = stay
		config.HTTPClient = &own
	}
	if config.Budget == 0 {
		config.Budget = time.Second
	}
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	if config.Tries <= 0 {
		config.Tries = 4
	}
	if config.MaxWait <= 0 {
		config.MaxWait = 5 * time.Second
	}
	if config.UserAgent == "" {
		config.UserAgent = "cordon-client"
	}
	c := &Client{config: config, base: strings.TrimSuffix(u.String(), "/"), shared: &shared{}}
	c.shared.tokens.begin(config.Key, config.Token)
	return c, nil
}

// String says which server it is a client of, and leaves out the key.
func (c *Client) String() string { return c.config.String() }

// GoString is as String.
func (c *Client) GoString() string { return c.String() }

// As gives a client that acts for a user, over the same connections. Its key needs the scope act.
func (c *Client) As(user string) *Client {
	d := *c
	d.config.Actor, d.config.Agent = user, ""
	return &d
}

// AsAgent gives a client that acts for a support agent, over the same connections. Its key needs the
// scope support.
func (c *Client) AsAgent(agent string) *Client {
	d := *c
	d.config.Actor, d.config.Agent = "", agent
	return &d
}

// In gives a client whose messages are in a language, over the same connections. It takes what
// Accept-Language may say.
func (c *Client) In(language string) *Client {
	d := *c
	d.config.Language = language
	return &d
}

// Explain gives a client whose decisions and denied acts are explained to a reader, ExplainUser or
// ExplainAdmin, over the same connections.
func (c *Client) Explain(reader string) *Client {
	d := *c
	d.config.Explain = reader
	return &d
}

// For returns a client that says why it reads the log, over the same connections: a ticket, or a sentence of up to
// 500 characters, which goes on record with the reading.
func (c *Client) For(purpose string) *Client {
	d := *c
	d.config.Purpose = purpose
	return &d
}

// InSet gives a client whose questions and searches are answered by a set of policies beside Cordon's own, over the
// same connections.
func (c *Client) InSet(name string) *Client {
	d := *c
	d.set = name
	return &d
}

// access is the path of a question to the set that is asked.
func (c *Client) access(endpoint ...string) []string {
	path := append([]string{"access", "v1"}, endpoint...)
	if c.set != "" {
		path = append([]string{"p", c.set}, path...)
	}
	return path
}

// newHTTPClient makes a client that keeps connections for many concurrent decisions and never takes
// the key to another place.
func newHTTPClient(trust *tls.Config) *http.Client {
	h := &http.Client{CheckRedirect: stay}
	// A program may have put something else in the place of the default transport.
	if shared, ok := http.DefaultTransport.(*http.Transport); ok {
		transport := shared.Clone()
		transport.MaxIdleConnsPerHost = 64
		if trust != nil {
			transport.TLSClientConfig = trust.Clone()
		}
		h.Transport = transport
	}
	return h
}

// stay follows no redirect.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
