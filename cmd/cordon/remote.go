package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"cordon.example/client"
)

// Settings of the commands that talk to a server: those that only ask, and those that act for
// somebody.
var (
	asking = append([]string{"url", "key", "key-file", "timeout", "language"}, trusting...)
	acting = append(asking[:len(asking):len(asking)], "as", "agent", "explain")
)

// remote makes a client of the server that is configured.
func (a *app) remote(c config) (*client.Client, error) {
	key, err := c.key()
	if err != nil {
		return nil, err
	}
	trust, err := c.trust()
	if err != nil {
		return nil, err
	}
	// A person waits for a decision as long as for anything else.
	limit := c.duration("timeout")
	settings := client.Config{URL: c.text("url"), Key: key, Budget: limit, Timeout: limit, UserAgent: "cordon/" + version, TLS: trust}
	if c.flags.Lookup("language") != nil {
		settings.Language = c.text("language")
	}
	if c.flags.Lookup("explain") != nil {
		settings.Explain = c.text("explain")
		switch reads := c.flags.Lookup("kind") != nil; {
		case reads: // what is explained there is the record
			settings.Explain = ""
		case isRecordID(settings.Explain):
			return nil, wrongUse("--explain is %s or %s here; cordon log --explain %s explains that record", client.ExplainUser, client.ExplainAdmin, settings.Explain)
		}
	}
	if c.flags.Lookup("purpose") != nil {
		settings.Purpose = c.text("purpose")
	}
	if c.flags.Lookup("as") != nil {
		settings.Actor = c.text("as")
	}
	if c.flags.Lookup("agent") != nil {
		settings.Agent = c.text("agent")
	}
	if settings.Actor != "" && settings.Agent != "" {
		return nil, wrongUse("act as a user (--as) or as a support agent (--agent), not as both")
	}
	remote, err := client.New(settings)
	if err != nil {
		return nil, wrongUse("%w; set CORDON_URL to something like http://127.0.0.1:8080", err)
	}
	return remote, nil
}

// needActor refuses an act of nobody, unless the key is a token, whose subject acts.
func (c config) needActor() error {
	key, err := c.key()
	if err != nil {
		return err
	}
	if c.text("as") == "" && c.text("agent") == "" && strings.HasPrefix(key, "ck_") {
		return wrongUse("say who acts: --as USER (an administrator or the legal representative) or --agent ID (a support agent)")
	}
	return nil
}

// key is the API key that is configured.
func (c config) key() (string, error) {
	if path := c.text("key-file"); path != "" && !c.given("key") {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", wrongUse("read the API key: %w", err)
		}
		if key := strings.TrimSpace(string(data)); key != "" {
			return key, oneWord(key, "the file "+path)
		}
		return "", wrongUse("the file %s holds no API key", path)
	}
	if key := strings.TrimSpace(c.text("key")); key != "" {
		return key, oneWord(key, "CORDON_KEY")
	}
	return "", wrongUse("CORDON_KEY is not set: set it to an API key.\n" +
		"cordon serve --dev prints one to try with; cordon keys create --data DIR makes the first one of a stopped server")
}

// oneWord refuses a key that no header can carry.
func oneWord(key, from string) error {
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return wrongUse("%s holds more than an API key: a key is one line, without spaces", from)
	}
	return nil
}

// failed turns what a call of the server gave into the program's error: a denial exits 1, and where
// it is known what to do next, it is said. With -o json the problem itself goes to standard output.
func (a *app) failed(c config, err error) error {
	if err == nil {
		return nil
	}
	e, _ := errors.AsType[*client.Error](err)
	if e != nil && c.flags.Lookup("output") != nil && c.text("output") == "json" {
		if err := a.printJSON(e.Problem); err != nil {
			return err
		}
	}
	switch {
	case errors.Is(err, client.ErrDenied):
		return &exit{exitDenied, errors.New(denial(e.Problem))}
	case errors.Is(err, client.ErrInvalid):
		return &exit{exitUsage, errors.New(said(err))}
	case errors.Is(err, client.ErrUnauthorized):
		return fmt.Errorf("%s\nis CORDON_KEY the key of this server (%s)? cordon keys create --data DIR makes a new one while the server is stopped", said(err), c.text("url"))
	case errors.Is(err, client.ErrForbidden):
		return fmt.Errorf("%s\nuse a key that may do this: cordon keys create --scopes ... makes one", said(err))
	case errors.Is(err, client.ErrUnavailable) && e == nil:
		return fmt.Errorf("no answer from %s: %s\nis the server running, and does CORDON_URL name it?", c.text("url"), said(err))
	}
	return errors.New(said(err))
}

// said is an error without the call that it was of, which the user did not type.
func said(err error) string {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return plain(e.Error())
	}
	return plain(err.Error())
}

// denial lists the reasons of a denied act, and the way that is open instead.
func denial(p client.Problem) string {
	var b strings.Builder
	b.WriteString("denied")
	for i, r := range p.Reasons {
		sep := "\n        "
		if i == 0 {
			sep = ": "
		}
		b.WriteString(sep + plain(reasonText(r)))
	}
	b.WriteString(explained(p.Language, p.ReasonUser, p.ReasonAdmin))
	if len(p.Reasons) == 0 && p.Detail != "" {
		b.WriteString(": " + plain(p.Detail))
	}
	for _, r := range p.Reasons {
		switch r.Code {
		case client.ReasonMailServiceNotBlockable:
			b.WriteString("\nuse cordon maintenance start PRODUCT")
		case client.ReasonNotAMailService:
			b.WriteString("\nuse cordon block PRODUCT")
		case client.ReasonSupportCodeRequired, client.ReasonSupportCodeInvalid:
			if !p.LockedUntil.IsZero() {
				b.WriteString("\ntoo many wrong codes were tried: none is taken or made until " + when(p.LockedUntil) +
					", or until the host lifts the lock with cordon support-code unlock --organization ID")
				continue
			}
			b.WriteString("\nan administrator or legal representative makes a code with cordon support-code --organization ID --as USER")
		}
	}
	if p.DecisionID != "" {
		b.WriteString("\non record as " + plain(p.DecisionID))
	}
	return b.String()
}

func reasonText(r client.Reason) string {
	if r.Message == "" {
		return r.Code
	}
	return r.Code + " - " + r.Message
}

// explained is what a decision tells its readers, as far as that was asked for, each on a line.
func explained(language string, readers ...client.Texts) string {
	line := ""
	for _, texts := range readers {
		text, ok := texts[language]
		if !ok {
			text = texts["en"]
		}
		if text != "" {
			line += "\n        " + plain(text)
		}
	}
	return line
}
