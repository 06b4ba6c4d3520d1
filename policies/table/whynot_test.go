package table_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
	"cordon/policies/table"
)

func TestWhyNotNamesTheSmallestChanges(t *testing.T) {
	engine := compile(t, nil)
	member := func(role string) policies.Subject {
		return policies.Subject{Kind: policies.SubjectUser, Member: true, Role: role}
	}
	product := policies.Resource{Type: policies.TypeProduct, Known: true, Kind: "cloud_server"}
	blocked := product
	blocked.Blocks = []string{policies.OriginHost}
	named := member(policies.RoleClient)
	named.Blocked, named.BlockedChannels = true, []string{"imap", "smtp"}
	for name, one := range map[string]struct {
		in   policies.Input
		want []string
	}{
		"a grant is missing": {
			policies.Input{Action: policies.NewAction("manage", "", ""), Subject: member(policies.RoleCollaborator), Resource: product},
			[]string{"allow: as legal_representative", "allow: as administrator", "allow: granted"},
		},
		"two things are": {
			policies.Input{Action: policies.NewAction("manage", "", ""), Subject: member(policies.RoleCollaborator), Resource: blocked},
			[]string{"allow: as legal_representative, product not blocked", "allow: as administrator, product not blocked", "allow: granted, product not blocked"},
		},
		"no member": {
			policies.Input{Action: policies.NewAction("view", "", ""), Subject: policies.Subject{Kind: policies.SubjectUser}, Resource: product},
			[]string{"allow: as legal_representative", "allow: as administrator"},
		},
		"an allow": {
			policies.Input{Action: policies.NewAction("use", "", ""), Subject: member(policies.RoleClient), Resource: policies.Resource{Type: "channel", Known: true, Channel: "imap"}},
			[]string{"deny: blocked with that channel", "deny: blocked with all channels"},
		},
		"a code": {
			policies.Input{
				Action: policies.NewAction("block", "", ""), Subject: policies.Subject{Kind: policies.SubjectAgent},
				Resource: policies.Resource{Type: "user", Known: true, Role: policies.RoleClient}, Organization: policies.Organization{OtherAdmins: true, OtherLegalRepresentatives: true},
				Act: &policies.Act{Origin: policies.OriginSupport, Code: policies.CodeInvalid, Justification: true, Ends: true},
			},
			[]string{"allow: valid support code"},
		},
		"channels that the table has no word for": {
			policies.Input{Action: policies.NewAction("use", "", ""), Subject: named, Resource: policies.Resource{Type: "channel", Known: true, Channel: "imap"}},
			[]string{"allow: not blocked", "allow: blocked with all other channels"},
		},
		"what nobody knows": {
			policies.Input{Action: policies.NewAction("fly", "", ""), Subject: member(policies.RoleClient), Resource: product}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := said(t, engine, &one.in)
			turns, err := table.WhyNot(t.Context(), engine, &one.in)
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, turn := range turns {
				texts = append(texts, turn.Text)
				in, err := policies.ReadInput(turn.Input)
				if err != nil {
					t.Fatal(err)
				}
				after, _ := said(t, engine, in)
				if after == before || after != turn.Answer || len(turn.Changes) == 0 {
					t.Errorf("%s: asked again it is %s", turn.Text, after)
				}
				if in.Resource.Kind != one.in.Resource.Kind || in.Action != one.in.Action {
					t.Errorf("%s: it asks something else: %s", turn.Text, turn.Input)
				}
			}
			if diff := cmp.Diff(texts, one.want); diff != "" {
				t.Errorf("(-got +want)\n%s", diff)
			}
		})
	}
}

func TestWhyNotIsTakenBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in := policies.Input{Action: policies.NewAction("manage", "", ""), Resource: policies.Resource{Type: "product", Known: true}}
	if _, err := table.WhyNot(ctx, compile(t, nil), &in); !errors.Is(err, policies.ErrTimeout) {
		t.Errorf("got %v", err)
	}
}

func TestAnyInputHasAnAnswerToWhyNot(t *testing.T) {
	engine := compile(t, nil)
	for _, text := range []string{
		`{}`, `{"action":{"name":""},"resource":{"type":"planet"}}`,
		`{"action":{"name":"block"},"subject":{"kind":"host","blocked_channels":["x"]},"resource":{"type":"user","role":"boss","blocks":["y"]},"act":{"origin":"z","code":"?"}}`,
		`{"action":{"name":"manage"},"resource":{"type":"product"},"time":{"weekday":"someday","hour":99}}`,
	} {
		in, err := policies.ReadInput([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		turns, err := table.WhyNot(t.Context(), engine, in)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := json.Marshal(turns); err != nil {
			t.Error(err)
		}
	}
}
