// Package scripts_test holds stories that people can read who write no Go: a support agent, an
// auditor, an operator. Each .txtar file beside this one is a story, told in commands of the real
// program against a real server, with a real mail server where there is mail.
//
// Beside testscript's own commands there are
//
//	serve NAME [FLAGS]   runs cordon serve until it is ready, and sets CORDON_URL
//	terminate NAME       tells it to stop, and asks for exit code 0
//	crash NAME           kills it
//	output NAME          shows what it printed
//	cordon ARGS          runs the program and asks for exit code 0; with ! for 1, denied
//	exits CODE ARGS      runs it and asks for this exit code
//	await PATTERN ARGS   runs it until its standard output matches
//	save NAME [PATH]     sets a variable to what was printed, to a member of the JSON that was, or to
//	                     what the group of a /PATTERN/ matches in it
//	curl METHOD PATH [HEADER: VALUE]... [BODY]
//	                     asks the server with the key in CORDON_KEY
//	status CODE          is what curl was answered
//	header NAME PATTERN  and a header of it; with ! one that is not there
//	json PATH VALUE      and a member of its body: product.blocks.0.origin; # counts
//	mailbox              opens a mail server, and sets MAIL to the flags that make a server use it
//	mail ADDRESS TEXT    waits for a mail to the address whose subject has the text, and shows it
//	nomail               asks that every mail was shown
package scripts_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/tests/program"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { program.Main(m) }

// teller is the state of one story.
type teller struct {
	ctx     context.Context
	program string
	servers map[string]*program.Daemon
	mails   *program.Mailbox
	shown   map[int]bool // of the mails, by their number
	answer  *http.Response
	body    []byte
}

// longest is how long a story may wait for what never comes.
const longest = 2 * time.Minute

type tellerKey struct{}

func of(ts *testscript.TestScript) *teller { return ts.Value(tellerKey{}).(*teller) } //nolint:forcetypeassert // set below

func TestStories(t *testing.T) {
	path := program.Path(t)
	testscript.Run(t, testscript.Params{
		Dir:                 ".",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			ctx, cancel := context.WithTimeout(t.Context(), longest)
			env.Defer(cancel)
			s := &teller{ctx: ctx, program: path, servers: map[string]*program.Daemon{}, shown: map[int]bool{}}
			env.Values[tellerKey{}] = s
			env.Vars = slices.DeleteFunc(env.Vars, func(v string) bool { return strings.HasPrefix(v, "CORDON_") })
			env.Setenv("CORDON_DATA", env.WorkDir+"/data")
			env.Defer(s.end)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serve, "terminate": terminate, "crash": crash, "output": output,
			"cordon": cordon, "exits": exits, "await": await, "save": save,
			"curl": curl, "status": status, "header": header, "json": member,
			"mailbox": mailbox, "mail": letter, "nomail": nomail,
		},
	})
}

// end ends what a story left running.
func (s *teller) end() {
	for _, name := range slices.Sorted(maps.Keys(s.servers)) {
		s.servers[name].Kill()
	}
	if s.mails != nil {
		s.mails.Close()
	}
}

func usage(ts *testscript.TestScript, wrong bool, text string) {
	if wrong {
		ts.Fatalf("usage: %s", text)
	}
}

// set makes a variable for the rest of the story.
func set(ts *testscript.TestScript, name, value string) { ts.Setenv(name, strings.TrimSpace(value)) }
