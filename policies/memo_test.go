package policies_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"cordon/policies"
)

// randomInputs are inputs of every sort, known words and others mixed.
func randomInputs(n int) []*policies.Input {
	r := rand.New(rand.NewPCG(7, 11))
	all := cells()
	out := make([]*policies.Input, n)
	for i := range out {
		in := *all[r.IntN(len(all))]
		other := all[r.IntN(len(all))]
		switch r.IntN(4) {
		case 0:
			in.Subject = other.Subject
		case 1:
			in.Organization = other.Organization
			in.Act = other.Act
		case 2:
			in.Action.Channel = other.Action.Channel
			in.Resource.Blocks = other.Resource.Blocks
		}
		if in.Subject.Kind == "" { // the schema's one word for it
			in.Subject.Kind = policies.SubjectOther
		}
		if in.Act != nil && in.Act.Code == "forged" {
			in.Act = &policies.Act{Origin: in.Act.Origin, Code: policies.CodeInvalid}
		}
		switch minute := r.IntN(60); r.IntN(3) { // the built-in rules do not look at it
		case 0:
			in.Time = &policies.Time{Weekday: "saturday", Hour: r.IntN(24)}
		case 1:
			in.Time = &policies.Time{Weekday: "monday", Hour: r.IntN(24), Minute: &minute}
		}
		out[i] = &in
	}
	return out
}

func TestMemoAndFlatteningChangeNoAnswer(t *testing.T) {
	engine := compile(t, domainRules())
	if on, why := engine.MemoOn(); !on {
		t.Fatalf("the memo is off: %s", why)
	}
	inputs := randomInputs(3000)
	if raceDetector() {
		inputs = inputs[:300]
	}
	for _, in := range inputs {
		first, err := engine.Decide(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		again, err := engine.Decide(t.Context(), in)
		if err != nil || again != first {
			t.Fatalf("asked again: %p, %p, %v", again, first, err)
		}
		for name, decide := range map[string]func(context.Context, *policies.Input) (*policies.Decision, error){
			"uncached": engine.DecideUncached, "plain": engine.DecidePlain,
		} {
			if other, err := decide(t.Context(), in); err != nil || !reflect.DeepEqual(first, other) {
				t.Fatalf("%s:\nmemo %v\n%s %v %v", first.InputJSON, first, name, other, err)
			}
		}
	}
	if stats := engine.Stats(); stats.Hits < uint64(len(inputs)) || stats.Misses == 0 {
		t.Errorf("%+v", stats)
	}
}

// Inputs that differ in one member must never share an answer, whatever their strings hold.
func TestMemoTellsInputsApart(t *testing.T) {
	engine := compile(t, domainRules())
	variants := []func(*policies.Input){
		func(*policies.Input) {},
		func(in *policies.Input) { in.Action.Name = "view" },
		func(in *policies.Input) { in.Action.Channel = "imap" },
		func(in *policies.Input) { in.Action.Role = "client" },
		func(in *policies.Input) { in.Subject.Kind = "agent" },
		func(in *policies.Input) { in.Subject.Member = false },
		func(in *policies.Input) { in.Subject.Role = "client" },
		func(in *policies.Input) { in.Subject.Granted = true },
		func(in *policies.Input) { in.Subject.Blocked = true },
		func(in *policies.Input) { in.Subject.BlockedChannels = []string{"ftp", "ssh"} },
		func(in *policies.Input) { in.Subject.BlockedChannels = []string{"ftp"} },
		func(in *policies.Input) { in.Subject.BlockedChannels = []string{"ftpssh"} },
		func(in *policies.Input) { in.Subject.Itself = true },
		func(in *policies.Input) { in.Resource.Type = "organization" },
		func(in *policies.Input) { in.Resource.Known = false },
		func(in *policies.Input) { in.Resource.Kind = "domain" },
		func(in *policies.Input) { in.Resource.Blocks = []string{"host"} },
		func(in *policies.Input) { in.Resource.Maintenance = true },
		func(in *policies.Input) { in.Resource.Role = "client" },
		func(in *policies.Input) { in.Resource.Channel = "client" },
		func(in *policies.Input) { in.Organization.OtherAdmins = true },
		func(in *policies.Input) { in.Organization.OtherLegalRepresentatives = true },
		func(in *policies.Input) { in.Act = &policies.Act{} },
		func(in *policies.Input) { in.Act = &policies.Act{Origin: "host"} },
		func(in *policies.Input) { in.Act = &policies.Act{Code: "host"} },
		func(in *policies.Input) { in.Act = &policies.Act{Justification: true} },
		func(in *policies.Input) { in.Act = &policies.Act{Ends: true} },
		func(in *policies.Input) { in.Organization.Settings = &policies.OrganizationSettings{} },
		func(in *policies.Input) {
			in.Organization.Settings = &policies.OrganizationSettings{BlocksMustEnd: new(false)}
		},
		func(in *policies.Input) {
			in.Organization.Settings = &policies.OrganizationSettings{BlocksMustEnd: new(true)}
		},
		func(in *policies.Input) {
			in.Organization.Settings = &policies.OrganizationSettings{AdministratorsManageBlockedProducts: new(false)}
		},
		func(in *policies.Input) {
			in.Organization.Settings = &policies.OrganizationSettings{AdministratorsManageBlockedProducts: new(true)}
		},
		func(in *policies.Input) {
			in.Organization.Settings = &policies.OrganizationSettings{ProductEventsTo: "admins"}
		},
		func(in *policies.Input) { in.Time = &policies.Time{} },
		func(in *policies.Input) { in.Time = &policies.Time{Minute: new(int)} },
		func(in *policies.Input) { in.Time = &policies.Time{Hour: 1} },
		func(in *policies.Input) { in.Time = &policies.Time{Weekday: "sunday"} },
	}
	seen := map[*policies.Decision]bool{}
	for range 2 {
		for _, change := range variants {
			in := manage()
			change(in)
			got, err := engine.Decide(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			seen[got] = true
		}
	}
	// Two of these may meet in a slot and be evaluated twice, but no two may share.
	if len(seen) < len(variants) {
		t.Errorf("%d inputs have %d answers", len(variants), len(seen))
	}
}

func TestAHitAllocatesNothing(t *testing.T) {
	engine := compile(t, domainRules())
	in, ctx := manage(), t.Context()
	in.Subject.BlockedChannels = []string{"ftp", "imap"}
	in.Resource.Blocks = []string{"administrator", "host"}
	in.Act = &policies.Act{Origin: "administrator"}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := engine.Decide(ctx, in); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestEndlessInputsAreAnsweredButNotKept(t *testing.T) {
	engine := compile(t, domainRules())
	in := manage()
	in.Resource.Kind = strings.Repeat("k", 4096)
	for range 3 {
		if got, err := engine.Decide(t.Context(), in); err != nil || !got.Allowed {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if stats := engine.Stats(); stats.Hits != 0 {
		t.Errorf("%+v", stats)
	}
}

// Strangers make up names of actions, kinds and types; what they ask must not grow without an end.
func TestTheMemoIsBoundedByBytes(t *testing.T) {
	engine := compile(t, domainRules())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	in := manage()
	for i := range 20_000 {
		in.Action.Name = fmt.Sprintf("%s%d", strings.Repeat("x", 400), i)
		if got, err := engine.Decide(t.Context(), in); err != nil || got.Allowed {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	counted, held := engine.Remembered()
	if counted != held || held > policies.MemoBytes || held < policies.MemoBytes/2 {
		t.Errorf("%d bytes counted, %d held, bound %d", counted, held, policies.MemoBytes)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > policies.MemoBytes*5/4 {
		t.Errorf("the heap grew by %d bytes for a memo of %d", grown, held)
	}
	// They take nobody's place for good.
	for range 2 {
		if _, err := engine.Decide(t.Context(), manage()); err != nil {
			t.Fatal(err)
		}
	}
	if stats := engine.Stats(); stats.Hits == 0 {
		t.Errorf("%+v", stats)
	}
}

// Whoever adds a member to the input adds it to the memo's key, or two questions share an answer.
func TestEveryMemberOfTheInputIsInTheMemosKey(t *testing.T) {
	var walk func(path string, v reflect.Value, root *policies.Input)
	members := 0
	walk = func(path string, v reflect.Value, root *policies.Input) {
		before := policies.Key(root)
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, v.Field(i), root)
			}
			return
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			defer v.Set(old)
			walk(path, v.Elem(), root)
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.String:
			v.SetString(v.String() + "!")
		case reflect.Int:
			v.SetInt(v.Int() + 1)
		case reflect.Slice:
			v.Set(reflect.Append(v, reflect.ValueOf("!")))
		default:
			t.Fatalf("%s is a %s: teach this test to change it", path, v.Kind())
		}
		if members++; policies.Key(root) == before {
			t.Errorf("%s is not in the key", path)
		}
		v.Set(old)
	}
	in := manage()
	walk("Input", reflect.ValueOf(in).Elem(), in)
	if members < 20 {
		t.Errorf("only %d members were looked at", members)
	}
}

func TestTheMemoChecksItself(t *testing.T) {
	engine := compile(t, domainRules())
	in := manage()
	ask := func(times int) (last *policies.Decision) {
		for range times {
			var err error
			if last, err = engine.Decide(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		return last
	}
	ask(1 + 4096)
	if stats := engine.Stats(); stats != (policies.Stats{Hits: 4096, Misses: 1, Checked: 2}) { // the first is checked, too
		t.Errorf("%+v", stats)
	}
	engine.Misremember(in, false, &policies.Decision{Outcome: &policies.Outcome{Reasons: []policies.Reason{{Code: "user_blocked"}}}})
	if got := ask(4096); !got.Allowed {
		t.Error("a wrong answer outlives its check")
	}
	if stats := engine.Stats(); stats != (policies.Stats{Hits: 8192, Misses: 1, Checked: 3, Disagreements: 1}) {
		t.Errorf("%+v", stats)
	}
	// It was not the flat form's: then nothing that is remembered is to be believed.
	if on, why := engine.MemoOn(); on || why == "" {
		t.Errorf("on %v, why %q", on, why)
	}
	if on, _ := engine.FlatOn(); !on {
		t.Error("the flat form is out of service")
	}
	if got := ask(2); !got.Allowed || engine.Stats().Hits != 8192 {
		t.Errorf("%+v", engine.Stats())
	}
}

func TestManyAskAtOnce(t *testing.T) {
	engine := compile(t, domainRules())
	inputs := randomInputs(300)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range inputs {
				in := inputs[(i*7+worker*41)%len(inputs)]
				got, err := engine.Decide(t.Context(), in)
				if err != nil {
					t.Error(err)
					return
				}
				if want, ok := asTheDomainSays(got, in, shipped); !ok {
					t.Errorf("%s: got %v, want %v", got.InputJSON, codes(got), want)
				}
			}
		})
	}
	wg.Wait()
}

func TestTheMemoIsOffForAPolicyThatReadsOtherData(t *testing.T) {
	for name, body := range map[string]string{
		"a document":          `deny if data.tenants.frozen`,
		"beside the settings": `deny if data.cordon.frozen`,
	} {
		t.Run(name, func(t *testing.T) {
			src := domainRules()
			src.Files["tenants/frozen.json"] = `{"frozen": true}`
			src.Files["cordon/more.json"] = `{"frozen": true}`
			src.Files["cordon/rules/frozen/frozen.rego"] = rule("frozen", 1, body)
			engine := compile(t, src)
			on, why := engine.MemoOn()
			if on || !strings.Contains(why, "cordon/rules/frozen/frozen.rego reads data") {
				t.Errorf("on: %v, why: %q", on, why)
			}
			for range 2 {
				if got, err := engine.Decide(t.Context(), manage()); err != nil || got.Allowed {
					t.Errorf("%+v, %v", got, err)
				}
			}
			if stats := engine.Stats(); stats != (policies.Stats{Checked: 1}) { // the flat form, not the memo
				t.Errorf("%+v", stats)
			}
		})
	}
}
