package contract_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"cordon/datastore"
	"cordon/tests/program"
)

// tape keeps everything that came out of a run, by where it came out.
type tape struct {
	mu   sync.Mutex
	said []said
}

type said struct{ where, what string }

func (t *tape) add(where, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, said{where, what})
}

// secret is something that may come out at certain places and nowhere else.
type secret struct {
	name, text string
	in         []string // beginnings of the places where it may be
	must       bool     // be there at least once: a secret that the run never used proves nothing
}

// Places of the tape.
const (
	inOutput  = "server "
	inMetrics = "metrics"
	inExport  = "GET /v1/decisions"
	inFiles   = "file "
	inOutbox  = "outbox"
	inHeads   = "mail head "
	inBodies  = "mail body "
	inCLI     = "cli "
)

func (t *tape) search(tt *testing.T, secrets []secret) {
	tt.Helper()
	for _, s := range secrets {
		found := false
		for _, said := range t.said {
			i := strings.Index(said.what, s.text)
			if i < 0 {
				continue
			}
			if slices.ContainsFunc(s.in, func(in string) bool { return strings.HasPrefix(said.where, in) }) {
				found = true
				continue
			}
			tt.Errorf("%s (%s) came out in %s: ...%q", s.name, s.text, said.where, said.what[max(0, i-100):min(len(said.what), i+len(s.text)+40)])
		}
		if s.must && !found {
			tt.Errorf("%s (%s) was found nowhere, not even where it belongs", s.name, s.text)
		}
	}
}

// forms are the ways in which bytes are written as text.
func forms(name string, b []byte) []secret {
	var list []secret
	for form, text := range map[string]string{
		"hex": hex.EncodeToString(b), "HEX": strings.ToUpper(hex.EncodeToString(b)), "base64": base64.RawStdEncoding.EncodeToString(b),
		"base64url": base64.RawURLEncoding.EncodeToString(b), "bytes": string(b),
	} {
		var in []string // SQLite keeps bytes as they are, within JSON as base64
		if strings.ToLower(form) != "hex" {
			in = []string{inFiles}
		}
		list = append(list, secret{name: name + " in " + form, text: text, in: in})
	}
	return list
}

// TestSecretsStayIn runs everything that there is with secrets that can be told apart, looks through
// all that came out, and finds each only where it belongs.
func TestSecretsStayIn(t *testing.T) { // issue: a test greps all output of a whole run
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		out := &tape{}
		box := program.OpenMailbox(t, nil)
		key := program.FirstKey(t, where)
		flags := append(box.Flags(), "--log-level", "debug", "--webhooks-allow-private")
		s := program.Serve(t, where, key, flags...)
		p := settle(t, s, "acme")
		q := settle(t, s, "other")
		p.tape, q.tape = out, out
		secrets := []secret{{name: "the first key", text: keySecret(key)}}

		// Keys: made, used, mistyped, revoked, repeated.
		for i := range 3 {
			a := p.ask(t, "POST", "/v1/keys", fmt.Sprintf(`{"name":"k%d","scopes":["decide","act"]}`, i), fmt.Sprintf("Idempotency-Key: key-%d", i)).want(t, 201)
			made := a.at("key")
			secrets = append(secrets, secret{"a key", keySecret(made), []string{"POST /v1/keys"}, true})
			p.ask(t, "POST", "/v1/keys", fmt.Sprintf(`{"name":"k%d","scopes":["decide","act"]}`, i), fmt.Sprintf("Idempotency-Key: key-%d", i)).want(t, 409)
			of := p.with(made)
			of.check(t, "carl", "manage", "product", "ORG-shop")
			of.ask(t, "GET", "~/users", "").want(t, 403)
			p.with(made+"X").ask(t, "GET", "~/users", "").want(t, 401)
			p.with("").ask(t, "GET", "~/users", "", "Authorization: Basic "+made).want(t, 401)
			p.ask(t, "GET", "~/users/"+made+"/"+made, "").want(t, 404)
			p.ask(t, "GET", "~?key="+made, "").want(t, 400)
			if i == 0 {
				p.ask(t, "DELETE", "/v1/keys/"+a.at("id"), "").want(t, 200)
				of.ask(t, "GET", "~/users", "").want(t, 401)
			}
		}
		cli := func(want int, args ...string) string {
			stdout, stderr, code := s.CLI(args...)
			if code != want {
				t.Errorf("cordon %s: exit %d, want %d: %s", strings.Join(args, " "), code, want, stderr)
			}
			out.add(inCLI+strings.Join(args[:2], " "), stdout+"\n"+stderr)
			return strings.TrimSpace(stdout)
		}
		secrets = append(secrets, secret{"a key of the command line", keySecret(cli(0, "keys", "create", "--name", "cli", "--scopes", "decide")), []string{inCLI + "keys create"}, true})

		// Codes and justifications: in acts that are done, denied, in conflict, not valid, and unknown.
		code := func(of place, maker string) string {
			made := of.ask(t, "POST", "~/support-codes", "{}", "Cordon-Actor: "+maker).want(t, 201).at("code")
			may := []string{"POST /v1/organizations/" + of.org + "/support-codes"}
			secrets = append(secrets, secret{"a code", made, may, true},
				secret{name: "a code without dashes", text: strings.ReplaceAll(made, "-", "")}, secret{name: "a code in lower case", text: strings.ToLower(made)})
			return made
		}
		n := 0
		why := func(recorded bool) string {
			n++
			text := fmt.Sprintf("marked justification %d of the run", n)
			if recorded {
				secrets = append(secrets, secret{"a justification", text, []string{inExport, inFiles, inCLI + "log"}, true})
			} else {
				secrets = append(secrets, secret{name: "a justification that was not valid", text: text})
			}
			return text
		}
		act := func(status int, verb, code, justification, more string, headers ...string) answer {
			return p.ask(t, "POST", "~/users/carl/"+verb, `{"justification":"`+justification+`","support_code":"`+code+`"`+more+`}`, headers...).want(t, status)
		}
		const sam, adam = "Cordon-Agent: sam", "Cordon-Actor: adam"
		live := code(p, "lena")
		foreign := code(q, "lena")
		used := code(p, "adam")
		act(403, "unblock", foreign, why(true), "", sam)
		act(409, "unblock", used, why(true), "", sam, "Idempotency-Key: a")
		act(409, "unblock", used, "marked justification 2 of the run", "", sam, "Idempotency-Key: a")
		act(422, "unblock", used, why(false), "", sam, "Idempotency-Key: a")
		act(200, "block", used, why(true), `,"channels":["imap"]`, sam, "Idempotency-Key: b")
		act(403, "block", used, why(true), "", sam)
		act(403, "block", "MADE-UPBY-NOB0", why(true), "", adam)
		secrets = append(secrets, secret{name: "a wrong code", text: "MADE-UPBY-NOB0"}, secret{name: "a wrong code", text: "MADEUPBYNOB0"})
		act(400, "block", live, why(false), `,"channels":["pigeon"]`, sam)
		act(400, "block", live, why(false), `,"colour":"red"`, sam)
		act(400, "block", live, why(false), `,"support_code":"`+live+`"`, sam)
		act(400, "block", live, why(false), `,"expires_at":"`+live+`"`, sam)
		act(400, "block", live, why(false), `,"channels":"`+live+`"`, sam)
		act(400, "block", live, why(false), `,}`, sam)
		act(415, "block", live, why(false), "", sam, "Content-Type: text/plain")
		act(400, "block", live, why(false), "", sam, adam)
		act(403, "block", live, why(true), "", "Cordon-Actor: mallory")
		secrets[len(secrets)-1].must = false // a stranger's words need not be kept
		act(403, "block", "", why(true), "", "Cordon-Actor: cleo")
		act(200, "secure", live, why(true), "", sam)
		p.ask(t, "POST", "~/users/ghost/block", `{"justification":"`+why(false)+`","support_code":"`+live+`"}`, sam).want(t, 404)
		p.ask(t, "POST", "/v1/organizations/nowhere/users/carl/block", `{"justification":"`+why(false)+`","support_code":"`+live+`"}`, sam).want(t, 404)
		fresh := code(p, "adam")
		cli(1, "user", "block", "carl", "--organization", "acme", "--agent", "sam", "--justification", why(true), "--support-code", live)
		cli(3, "user", "block", "carl", "--organization", "acme", "--agent", "sam", "--justification", why(true), "--support-code", fresh)
		cli(0, "user", "unblock", "carl", "--organization", "acme", "--agent", "sam", "--justification", why(true), "--support-code", fresh)
		secrets = append(secrets, secret{"a code of the command line", cli(0, "support-code", "--organization", "acme", "--as", "lena"), []string{inCLI + "support-code"}, true})
		kept := code(p, "adam") // until the end, so that there is a hash to look for
		act(403, "block", kept, "", "", sam)

		// Addresses: changed, refused, and of people who are gone. The log of all organizations says what was changed.
		address := func(text string, must bool) {
			secrets = append(secrets, secret{"an address", text, []string{
				"GET /v1/organizations/acme/users", "PUT /v1/organizations/acme/users", "POST /v1/organizations/acme/users",
				inExport, inCLI + "log", inFiles, inHeads,
			}, must})
		}
		for _, name := range []string{"lena", "adam", "carl", "cleo"} {
			address(name+"@acme.example", true)
		}
		p.ask(t, "GET", "~/users", "").want(t, 200)
		p.ask(t, "PUT", "~/users/erin", `{"name":"Erin","email":"erin@acme.example","role":"administrator"}`).want(t, 201)
		address("erin@acme.example", true)
		p.ask(t, "PUT", "~/users/erin", `{"name":"Erin","email":"erin2@acme.example","role":"client"}`, adam).want(t, 200)
		address("erin2@acme.example", true)
		p.ask(t, "DELETE", "~/users/erin", "", adam).want(t, 200)
		p.ask(t, "PUT", "~/users/eve", `{"name":"Eve","email":"eve at acme.example","role":"client"}`, adam).want(t, 400)
		p.ask(t, "PUT", "~/users/eve", `{"name":"Eve","email":"eve@acme.example","role":"boss"}`, adam).want(t, 400)
		address("eve at acme", false)
		address("eve@acme.example", false)
		p.ask(t, "POST", "/v1/import", `{"user":{"organization":"acme","id":"ida","name":"Ida","email":"ida@acme.example","role":"boss"}}
{"user":{"organization":"acme","id":"ina","name":"Ina","email":"ina@acme.example","role":"client","grants":["nothing"]}}`, "Content-Type: application/x-ndjson").want(t, 200)
		address("ida@acme.example", false)
		address("ina@acme.example", false)

		// Webhooks, whose secrets are shown once; the calls go nowhere, for nobody listens there.
		hooks := []string{"POST /v1/organizations/acme/webhooks"}
		hook := p.ask(t, "POST", "~/webhooks", `{"url":"http://127.0.0.1:1/hook?token=marked-token"}`, adam, "Idempotency-Key: w").want(t, 201)
		secrets = append(secrets, secret{"the secret of a webhook", strings.TrimPrefix(hook.at("secret"), "whsec_"), slices.Concat(hooks, []string{inFiles}), true})
		p.ask(t, "POST", "~/webhooks", `{"url":"http://127.0.0.1:1/hook?token=marked-token"}`, adam, "Idempotency-Key: w").want(t, 409, "already_shown")
		rotated := p.ask(t, "POST", "~/webhooks/"+hook.at("id")+"/rotate", `{}`, adam).want(t, 200)
		secrets = append(secrets, secret{"the new secret of a webhook", strings.TrimPrefix(rotated.at("secret"), "whsec_"), slices.Concat(hooks, []string{inFiles}), true})
		p.ask(t, "GET", "~/webhooks", "").want(t, 200).has(t, "items.#", "1")
		secrets = append(secrets, secret{"the token in a webhook's address", "marked-token", append(hooks, "GET /v1/organizations/acme/webhooks", inFiles), true})

		// What the people are told.
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"marked reason of the run"}`, adam).want(t, 200)
		p.ask(t, "POST", "~/products/ORG-mail/start-maintenance", `{"reason":"marked reason of the run"}`, adam).want(t, 200)
		secrets = append(secrets, secret{"a reason", "marked reason of the run",
			[]string{"POST /v1/organizations/acme/products", "GET /v1/organizations/acme/products", inExport, inFiles, inOutbox, inBodies, inCLI + "log"}, true})
		box.AwaitCount(t, 3+1+3+4+4)

		// The log and the figures, and a crash: what is replayed is looked at too.
		cli(0, "log", "--limit", "0", "-o", "json")
		p.ask(t, "GET", "/v1/decisions?limit=500", "").want(t, 200)
		p.ask(t, "GET", "/v1/messages?limit=500", "").want(t, 200)
		p.ask(t, "GET", "~/webhooks/"+hook.at("id")+"/deliveries", "").want(t, 200)
		p.ask(t, "GET", "~/users/carl/procedures", "").want(t, 200)
		out.add(inMetrics, p.metrics(t))
		out.add(inOutput+"before the crash", s.Output())
		s.Kill()
		messages(t, where)
		s = program.Serve(t, where, key, flags...)
		p.Server = s
		p.check(t, "carl", "manage", "product", "ORG-shop")
		p.ask(t, "GET", "/v1/decisions/export", "").want(t, 200)
		p.ask(t, "GET", "/v1/decisions/export?format=csv", "").want(t, 200)
		out.add(inMetrics, p.metrics(t))
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		out.add(inOutput+"after the crash", s.Output())

		for _, l := range box.Letters() {
			head, _, _ := strings.Cut(l.Raw, "\r\n\r\n")
			out.add(inHeads+l.To, head)
			out.add(inBodies+l.To, l.Subject+"\n"+l.Text+"\n"+l.HTML)
			for _, name := range []string{"lena", "adam", "carl", "cleo", "erin"} {
				if other := name + "@acme.example"; other != l.To && strings.Contains(l.Raw, other) {
					t.Errorf("a mail to %s has the address of %s", l.To, other)
				}
			}
		}
		for _, m := range messages(t, where) {
			out.add(inOutbox, fmt.Sprintf("%+v %s", m, m.Payload))
		}
		secrets = append(secrets, hashes(t, where)...)
		files(t, where, out)
		out.search(t, secrets)
	})
}

// keySecret is the part of a key that nobody else may know.
func keySecret(key string) string { return key[strings.LastIndex(key, "_")+1:] }

// hashes gives those that the store keeps of keys and codes.
func hashes(t *testing.T, where program.Place) []secret {
	t.Helper()
	store := openStore(t, where)
	defer store.Close()
	support, err := datastore.Get(t.Context(), store, datastore.Support{Organization: "acme"})
	if err != nil || len(support.Codes) < 2 {
		t.Fatalf("%d codes are live: %v", len(support.Codes), err)
	}
	var list []secret
	for _, c := range support.Codes {
		list = append(list, forms("the hash of a code", c.Hash)...)
	}
	for key, err := range datastore.List(t.Context(), store, datastore.APIKey{}, datastore.Page{}) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, forms("the hash of a key", key.Hash)...)
	}
	return list
}

// files adds all files of a place to the tape.
func files(t *testing.T, where program.Place, out *tape) {
	t.Helper()
	count := 0
	err := filepath.WalkDir(where[len(where)-1], func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		count++
		out.add(inFiles+entry.Name(), string(content))
		return nil
	})
	if err != nil || count == 0 {
		t.Fatalf("%d files: %v", count, err)
	}
}
