package clienttest_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"cordon.example/client"
	"cordon.example/client/clienttest"
)

func can(t *testing.T, fake *clienttest.Fake, user, action string, on client.Resource, details ...client.Detail) bool {
	t.Helper()
	yes, err := fake.Can(t.Context(), user, action, on, details...)
	if err != nil {
		t.Error(err)
	}
	return yes
}

func TestAFakeNeverSaysYesByItself(t *testing.T) {
	fake := &clienttest.Fake{}
	d, err := fake.Decide(t.Context(), client.Ask("ann", client.ActionManage, client.OnProduct("web")))
	if err != nil || d.Allowed || len(d.Reasons) != 1 || d.Reasons[0].Code != clienttest.ReasonNotTold {
		t.Errorf("%+v, %v", d, err)
	}
	fake.Allow("ann", client.ActionManage, client.OnUser("acme", "bob"))
	for _, q := range []client.EvaluationRequest{
		client.Ask("eve", client.ActionManage, client.OnUser("acme", "bob")), client.Ask("ann", client.ActionView, client.OnUser("acme", "bob")),
		client.Ask("ann", client.ActionManage, client.OnUser("beta", "bob")), client.Ask("ann", client.ActionManage, client.OnUser("acme", "eve")),
		client.Ask("ann", client.ActionManage, client.OnProduct("bob")), {},
	} {
		if d, err := fake.Decide(t.Context(), q); d.Allowed || err != nil {
			t.Errorf("%+v: %+v, %v", q, d, err)
		}
	}
	if !can(t, fake, "ann", client.ActionManage, client.OnUser("acme", "bob")) {
		t.Error("what is told is not allowed")
	}
}

func TestAFakeAnswersByItsTable(t *testing.T) {
	fake := &clienttest.Fake{}
	mail := client.OnProduct("mail")
	fake.Allow("ann", client.ActionReadMail, mail)
	fake.Deny(client.ReasonUserBlocked, "ann", client.ActionReadMail, mail, client.Through(client.ChannelIMAP))
	if !can(t, fake, "ann", client.ActionReadMail, mail) || !can(t, fake, "ann", client.ActionReadMail, mail, client.Through(client.ChannelSMTP)) ||
		can(t, fake, "ann", client.ActionReadMail, mail, client.Through(client.ChannelIMAP)) {
		t.Error("the details of a question do not count")
	}
	fake.Deny(client.ReasonMailInMaintenance, "ann", client.ActionReadMail, mail) // what is told last
	if can(t, fake, "ann", client.ActionReadMail, mail) {
		t.Error("what was told first counts")
	}
	fake.Deny(client.ReasonUnknownAction, "ann", "reed", mail)
	if yes, err := fake.Can(t.Context(), "ann", "reed", mail); yes || !errors.Is(err, client.ErrUnknownAction) {
		t.Errorf("%v, %v", yes, err)
	}
}

func TestAFakeAnswersByAFunction(t *testing.T) {
	fake := &clienttest.Fake{Answer: func(_ context.Context, q client.EvaluationRequest) (client.Decision, error) {
		if q.Subject.ID == "bob" {
			return client.Decision{Allowed: true}, client.ErrTooStale
		}
		return client.Decision{Allowed: q.Subject.ID == "ann"}, nil
	}}
	web := client.OnProduct("web")
	if !can(t, fake, "ann", client.ActionView, web) || can(t, fake, "eve", client.ActionView, web) {
		t.Error("the function is not asked")
	}
	if yes, err := fake.Can(t.Context(), "bob", client.ActionView, web); yes || !errors.Is(err, client.ErrTooStale) {
		t.Errorf("%v, %v", yes, err)
	}
	ids, err := client.Filter(t.Context(), fake, "ann", client.ActionView, []string{"a", "b"}, client.OnProduct)
	if err != nil || len(ids) != 2 {
		t.Errorf("%v, %v", ids, err)
	}
}

func TestAFakeFailsWhenItIsTold(t *testing.T) {
	fake := &clienttest.Fake{}
	web := client.OnProduct("web")
	fake.Allow("ann", client.ActionView, web)
	fake.Fail(client.ErrUnavailable)
	if yes, err := fake.Can(t.Context(), "ann", client.ActionView, web); yes || !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("%v, %v", yes, err)
	}
	if all, err := fake.CanAll(t.Context(), []client.EvaluationRequest{client.Ask("ann", client.ActionView, web)}); all != nil || !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("%v, %v", all, err)
	}
	for _, err := range fake.SearchResources(t.Context(), client.WhichMay("ann", client.ActionView, client.TypeProduct)) {
		if !errors.Is(err, client.ErrUnavailable) {
			t.Error(err)
		}
	}
	fake.Fail(nil)
	if !can(t, fake, "ann", client.ActionView, web) {
		t.Error("it still fails")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if yes, err := fake.Can(ctx, "ann", client.ActionView, web); yes || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", yes, err)
	}
}

func TestAFakeFindsWhatItsTableAllows(t *testing.T) {
	fake := &clienttest.Fake{}
	for _, id := range []string{"web", "mail", "web"} {
		fake.Allow("ann", client.ActionView, client.OnProduct(id))
	}
	fake.Allow("ann", client.ActionManage, client.OnProduct("web"))
	fake.Allow("bob", client.ActionView, client.OnProduct("shop"))
	fake.Deny(client.ReasonNotGranted, "ann", client.ActionView, client.OnProduct("shut"))
	fake.Allow("ann", client.ActionView, client.OnOrganization("acme"))
	var products, users, actions []string
	for p, err := range fake.SearchResources(t.Context(), client.WhichMay("ann", client.ActionView, client.TypeProduct)) {
		if products = append(products, p.ID); err != nil {
			t.Error(err)
		}
	}
	for u, err := range fake.SearchSubjects(t.Context(), client.WhoMay(client.ActionView, client.OnProduct("shop"))) {
		if users = append(users, u.ID); err != nil {
			t.Error(err)
		}
	}
	for a, err := range fake.SearchActions(t.Context(), client.WhatMay("ann", client.OnProduct("web"))) {
		if actions = append(actions, a.Name); err != nil {
			t.Error(err)
		}
	}
	if got := fmt.Sprint(products, users, actions); got != "[web mail] [bob] [view manage]" {
		t.Errorf("found %s", got)
	}
}

func TestAFakeStopsABatchWhereTheSemanticSays(t *testing.T) {
	fake := &clienttest.Fake{}
	fake.Allow("ann", client.ActionView, client.OnProduct("web"))
	resource := func(id string) client.Evaluation { r := client.OnProduct(id); return client.Evaluation{Resource: &r} }
	batch := client.EvaluationsRequest{
		Subject: &client.Subject{Type: client.TypeUser, ID: "ann"}, Action: &client.Action{Name: client.ActionView},
		Evaluations: []client.Evaluation{resource("web"), resource("shut"), resource("web")},
	}
	for semantic, want := range map[string][]bool{"": {true, false, true}, client.DenyOnFirstDeny: {true, false}, client.PermitOnFirstPermit: {true}} {
		batch.Options = &client.Options{EvaluationsSemantic: semantic}
		decisions, err := fake.DecideAll(t.Context(), batch)
		var got []bool
		for _, d := range decisions {
			got = append(got, d.Allowed)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %v, %v", semantic, got, err)
		}
	}
}

func TestAFakeRemembersWhatItWasAsked(t *testing.T) {
	fake := &clienttest.Fake{}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			fake.Allow("ann", client.ActionView, client.OnProduct("web"))
			if _, err := fake.Can(t.Context(), "ann", client.ActionView, client.OnProduct("web")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	asked := fake.Asked()
	if len(asked) != 10 || asked[0].Subject.ID != "ann" || asked[0].Action.Name != client.ActionView || asked[0].Resource.ID != "web" {
		t.Errorf("asked %+v", asked)
	}
	if fake.Forget(); len(fake.Asked()) != 0 {
		t.Error("it forgets nothing")
	}
}

// An act is decided as the question is: what no test allowed is denied, and all is remembered.
func TestAFakeLetsDoWhatItsTableAllows(t *testing.T) {
	fake := &clienttest.Fake{}
	fake.Allow("lena", client.ActionBlock, client.OnProduct("web"))
	fake.Allow("sue", client.ActionBlock, client.OnUser("acme", "carl"))
	fake.Allow("lena", client.ActionCreateSupportCode, client.OnOrganization("acme"))
	cordon, ctx := fake.Client(), t.Context()
	done, err := cordon.As("lena").BlockProduct(ctx, "acme", "web", client.BlockRequest{Reason: "unpaid"})
	if err != nil || !done.Product.Blocked || done.Product.ID != "web" {
		t.Errorf("%+v, %v", done, err)
	}
	for name, act := range map[string]func() error{
		"another user": func() error {
			_, err := cordon.As("carl").BlockProduct(ctx, "acme", "web", client.BlockRequest{Reason: "unpaid"})
			return err
		},
		"the host": func() error {
			_, err := cordon.BlockProduct(ctx, "acme", "web", client.BlockRequest{Reason: "unpaid"})
			return err
		},
		"another act": func() error {
			_, err := cordon.As("lena").StartMaintenance(ctx, "acme", "web", client.BlockRequest{})
			return err
		},
	} {
		if err := act(); !errors.Is(err, client.ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	code, err := cordon.As("lena").CreateSupportCode(ctx, "acme")
	if err != nil || code.Code == "" {
		t.Errorf("%+v, %v", code, err)
	}
	if _, err := cordon.AsAgent("sue").BlockUser(ctx, "acme", "carl", client.BlockUserRequest{Justification: "a stolen laptop", SupportCode: code.Code}); err != nil {
		t.Error(err)
	}
	acts := fake.Acts()
	if len(acts) != 6 || len(fake.Asked()) != 0 {
		t.Fatalf("remembers %+v, asked %v", acts, fake.Asked())
	}
	first, last := acts[0], acts[5]
	if first.Action != client.ActionBlock || first.On.ID != "web" || first.Actor != "lena" || first.Organization != "acme" || string(first.Body) != `{"reason":"unpaid"}` || !first.Done {
		t.Errorf("remembers %+v", first)
	}
	if last.Agent != "sue" || last.On.Type != client.TypeUser || !last.Done || acts[1].Done {
		t.Errorf("remembers %+v", last)
	}
	fake.Fail(&client.Error{Problem: client.Problem{Status: 409, Code: "already_blocked"}})
	if _, err := cordon.As("lena").BlockProduct(ctx, "acme", "web", client.BlockRequest{Reason: "unpaid"}); !errors.Is(err, client.ErrConflict) {
		t.Errorf("error %v", err)
	}
}

func TestAFakeSaysWhatItHasNot(t *testing.T) {
	fake := &clienttest.Fake{}
	cordon := fake.Client()
	for name, call := range map[string]func() error{
		"a directory": func() error { _, err := cordon.Product(t.Context(), "web"); return err },
		"a change": func() error {
			_, err := cordon.PutProduct(t.Context(), "acme", "web", client.ProductBody{})
			return err
		},
		"a webhook": func() error { _, err := cordon.CreateWebhook(t.Context(), "acme", client.WebhookRequest{}); return err },
	} {
		e, ok := errors.AsType[*client.Error](call())
		if !ok || e.Problem.Status != 501 {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestAFakeIsWhatTheServerIs(t *testing.T) {
	fake := &clienttest.Fake{}
	question := client.EvaluationRequest{
		Subject: client.Subject{Type: "service", ID: "s", Properties: map[string]any{"level": 3}}, Action: client.Action{Name: "run"},
		Resource: client.Resource{Type: "job", ID: "j"}, Context: map[string]any{"day": "monday"},
	}
	want := client.Decision{
		Allowed: true, ID: "d1", Policy: "p1", Revision: 7, Language: "fr", Reasons: []client.Reason{{Code: "granted", Message: "Oui."}},
		ReasonUser: client.Texts{"fr": "Oui."},
	}
	fake.Decides(question, want)
	got, err := fake.Client().InSet("jobs").In("fr").Decide(t.Context(), question)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	question.Subject.Properties["level"] = 2
	if got, err := fake.Decide(t.Context(), question); err != nil || got.Allowed {
		t.Errorf("got %+v, %v", got, err)
	}
}
