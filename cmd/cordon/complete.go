package main

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"cordon.example/client"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// What a shell is made to wait for, at most, when it completes an id: nobody waits long for a key that they pressed.
const (
	longestCompletion   = time.Second
	mostCompletions     = 100
	mostOrganizationsOf = 20 // that are looked through where none is named
)

// What arguments name beside the types of resources.
const (
	argAction    = "action"
	argResource  = "resource" // of the type in --type
	argKey       = "key"
	argHold      = "hold"
	argWebhook   = "webhook"
	argProcedure = "procedure"
	argStep      = "step"
	argMessage   = "message"
	argFile      = "file"
	argFolder    = "folder"
	argSet       = "set"     // of policies
	argVersion   = "version" // of one
	argReview    = "review"  // that is open
)

// complete tells the shell what a command's arguments and flags can be. What it cannot tell, for want of a key, of a
// server or of time, it leaves out: a completion is never an error.
func (a *app) complete(cmd *cobra.Command, d command) {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(d.ids) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		switch d.ids[len(args)] {
		case argFile:
			return nil, cobra.ShellCompDirectiveDefault
		case argFolder:
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
		return a.values(cmd, d, d.ids[len(args)], args, typed), cobra.ShellCompDirectiveNoFileComp
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		s, ok := settingOf(f.Name)
		if !ok || s.bound.says == files.says || f.Name == "data" {
			return // the shell's own: files
		}
		_ = cmd.RegisterFlagCompletionFunc(f.Name, func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			before := ""
			if _, list := f.Value.(pflag.SliceValue); list {
				last := strings.LastIndex(typed, ",") + 1
				before, typed = typed[:last], typed[last:]
			}
			offered := a.flagValues(cmd, d, s, args, typed)
			for i := range offered {
				offered[i] = before + offered[i]
			}
			return offered, cobra.ShellCompDirectiveNoFileComp
		}) // it fails for a flag that there is not, or one that has a function
	})
}

// settingOf is a row of the table of settings.
func settingOf(name string) (setting, bool) {
	for _, g := range settings() {
		for _, s := range g.settings {
			if s.name == name {
				return s, true
			}
		}
	}
	return setting{}, false
}

// flagValues are those of a flag that begin as was typed.
func (a *app) flagValues(cmd *cobra.Command, d command, s setting, args []string, typed string) []cobra.Completion {
	switch s.name {
	case "output":
		return beginningWith(typed, d.formats...)
	case "organization":
		return a.values(cmd, d, client.TypeOrganization, args, typed)
	case "as", "subject", "actor":
		return a.values(cmd, d, client.TypeUser, args, typed)
	case "resource":
		return a.values(cmd, d, client.TypeProduct, args, typed)
	case "set", "parent", "version", "against":
		return a.values(cmd, d, map[string]string{"set": argSet, "parent": argVersion, "version": argVersion, "against": argVersion}[s.name], args, typed)
	case "procedure":
		return a.values(cmd, d, argProcedure, args, typed)
	case "action":
		var actions []string
		for _, on := range client.Types() {
			actions = append(actions, client.Actions(on)...)
		}
		slices.Sort(actions)
		return beginningWith(typed, slices.Compact(actions)...)
	case "why":
		return beginningWith(typed, client.ReasonCodes()...)
	case "decision":
		if cmd.Name() != "log" {
			return nil // the id of a record
		}
	}
	return beginningWith(typed, s.bound.words...)
}

// values are those that an argument can have, of what it names.
func (a *app) values(cmd *cobra.Command, d command, named string, args []string, typed string) []cobra.Completion {
	c := config{cmd.Flags()}
	if named == argResource || named == argAction {
		on := c.text("type")
		if named == argAction {
			return beginningWith(typed, client.Actions(on)...)
		}
		named = on
	}
	switch named {
	case client.TypeChannel:
		return beginningWith(typed, client.Channels()...)
	case argStep:
		return beginningWith(typed, client.ProcedureSteps()...)
	}
	if c.flags.Lookup("url") == nil || resolve(c.flags, a.env) != nil || !c.given("key") && !c.given("key-file") {
		return nil
	}
	remote, err := a.remote(c)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), longestCompletion)
	defer cancel()
	finder := finder{ctx: ctx, remote: remote.As(""), c: c, d: d, args: args}
	var found []cobra.Completion
	for id, name := range finder.ids(named) {
		if !strings.HasPrefix(id, typed) {
			continue
		}
		if name != "" {
			id = cobra.CompletionWithDesc(id, plain(name))
		}
		if found = append(found, id); len(found) == mostCompletions {
			break
		}
	}
	return found
}

// beginningWith are the words that begin as was typed.
func beginningWith(typed string, words ...string) []cobra.Completion {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !strings.HasPrefix(w, typed) })
}

// finder asks the server for ids.
type finder struct {
	ctx    context.Context
	remote *client.Client
	c      config
	d      command
	args   []string
}

// ids gives those of what is named, each with a name for people where it has one. It ends where the server has no more,
// or gives none.
func (f *finder) ids(named string) iter.Seq2[string, string] {
	switch named {
	case client.TypeOrganization:
		return pairs(f.remote.Organizations(f.ctx), func(o client.Organization) (string, string) { return o.ID, o.Name })
	case client.TypeProduct:
		return f.within(func(organization string) iter.Seq2[string, string] {
			return pairs(f.remote.Products(f.ctx, organization), func(p client.Product) (string, string) { return p.ID, p.Name })
		})
	case client.TypeUser:
		return f.within(func(organization string) iter.Seq2[string, string] {
			return pairs(f.remote.Users(f.ctx, organization), func(u client.User) (string, string) { return u.ID, u.Name })
		})
	case argWebhook:
		return f.within(func(organization string) iter.Seq2[string, string] {
			return pairs(f.remote.Webhooks(f.ctx, organization), func(w client.Webhook) (string, string) { return w.ID, w.URL })
		})
	case argKey:
		return pairs(f.remote.Keys(f.ctx), func(k client.Key) (string, string) { return k.ID, k.Name })
	case argHold:
		return pairs(f.remote.Holds(f.ctx), func(h client.Hold) (string, string) { return h.ID, h.Reason })
	case argSet:
		return pairs(f.remote.PolicySets(f.ctx), func(s client.PolicySet) (string, string) { return s.Set, s.Message })
	case argVersion:
		return pairs(f.remote.PolicyVersions(f.ctx, f.c.text("set")),
			func(v client.PolicyVersion) (string, string) { return v.Digest, v.State + ": " + v.Message })
	case argReview:
		set, _ := f.remote.PolicySet(f.ctx, f.c.text("set")) // without one there are none
		return pairs(of(set.Reviews), func(r client.PolicyReview) (string, string) { return r.ID, r.Reason })
	case argMessage:
		return pairs(f.remote.Messages(f.ctx, client.MessageFilter{State: client.MessageDead}),
			func(m client.Message) (string, string) { return m.ID, m.Event + " to " + m.Recipient })
	case argProcedure:
		return func(yield func(string, string) bool) {
			if len(f.args) == 0 {
				return
			}
			sent, err := f.remote.Procedures(f.ctx, f.c.text("organization"), f.args[0])
			for _, p := range sent {
				if err != nil || !yield(p.ID, when(p.At)) {
					return
				}
			}
		}
	}
	return func(func(string, string) bool) {}
}

// within goes through the organization that is meant: the one that is named, the one of the product that is, or else the
// first few that the key may see, of which a limited key has one.
func (f *finder) within(ids func(organization string) iter.Seq2[string, string]) iter.Seq2[string, string] {
	if f.c.flags.Lookup("organization") != nil && f.c.text("organization") != "" {
		return ids(f.c.text("organization"))
	}
	if i := slices.Index(f.d.ids, client.TypeProduct); i >= 0 && i < len(f.args) {
		if p, err := f.remote.Product(f.ctx, f.args[i]); err == nil {
			return ids(p.Organization)
		}
	}
	return func(yield func(string, string) bool) {
		left := mostOrganizationsOf
		for o, err := range f.remote.Organizations(f.ctx) {
			if err != nil || left == 0 {
				return
			}
			left--
			for id, name := range ids(o.ID) {
				if !yield(id, name) {
					return
				}
			}
		}
	}
}

// of gives the items of a slice as those of a list that has come.
func of[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// pairs gives two texts of each item of a list, until an error.
func pairs[T any](items iter.Seq2[T, error], of func(T) (id, name string)) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for item, err := range items {
			if err != nil {
				return
			}
			if id, name := of(item); !yield(id, name) {
				return
			}
		}
	}
}
