package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cordon.example/client"
)

// many answers batches: yes to what ends with a 7, and to "odd" and "wrong" with what is none.
func many(t *testing.T, batches *[]int) *client.Client {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		var asked client.EvaluationsRequest
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		*batches = append(*batches, len(asked.Evaluations))
		answers := make([]any, len(asked.Evaluations))
		for i, e := range asked.Evaluations {
			answers[i] = map[string]any{"decision": e.Resource.ID[len(e.Resource.ID)-1] == '7'}
			switch e.Resource.ID {
			case "odd":
				answers[i] = json.RawMessage(`{"decision":false,"context":{"reasons":[{"code":"unknown_action","message":"m"}]}}`)
			case "wrong":
				answers[i] = json.RawMessage(`{"decision":true,"context":{"error":{"status":403,"message":"m"}}}`)
			}
		}
		text, err := json.Marshal(map[string]any{"evaluations": answers})
		if err != nil {
			t.Error(err)
		}
		answer(w, 200, string(text))
	})
}

func TestCanAllAsksAThousandAtATime(t *testing.T) {
	var batches []int
	c := many(t, &batches)
	questions := make([]client.EvaluationRequest, 2345)
	for i := range questions {
		questions[i] = client.Ask("ann", client.ActionView, client.OnProduct(fmt.Sprint(i)))
	}
	can, err := c.CanAll(t.Context(), questions)
	if diff := diffOf([]int{1000, 1000, 345}, batches); err != nil || diff != "" || len(can) != len(questions) {
		t.Fatalf("%d answers, %v\n%s", len(can), err, diff)
	}
	for i, yes := range can {
		if yes != (i%10 == 7) {
			t.Errorf("question %d: %v", i, yes)
		}
	}
	if can, err := c.CanAll(t.Context(), nil); err != nil || can == nil || len(can) != 0 || len(batches) != 3 {
		t.Errorf("without a question: %v, %v", can, err)
	}
}

// The server reads no body above 256 KiB.
func TestCanAllAsksNoMoreThanTheServerReads(t *testing.T) {
	var lengths []int
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var asked client.EvaluationsRequest
		if err != nil || json.Unmarshal(body, &asked) != nil {
			t.Error("the batch cannot be read")
		}
		lengths = append(lengths, len(body))
		answer(w, 200, `{"evaluations":[`+strings.Repeat(`{"decision":true},`, len(asked.Evaluations)-1)+`{"decision":true}]}`)
	})
	questions := make([]client.EvaluationRequest, 1000)
	for i := range questions {
		questions[i] = client.Ask(strings.Repeat("u", 256), client.ActionView, client.OnProduct(strings.Repeat("p", 256)))
	}
	can, err := c.CanAll(t.Context(), questions)
	if err != nil || len(can) != len(questions) || len(lengths) < 2 || slices.Max(lengths) > 256<<10 {
		t.Errorf("%d answers to bodies of %d bytes, %v", len(can), lengths, err)
	}
}

func TestFilterKeepsWhatIsAllowed(t *testing.T) {
	var batches []int
	c := many(t, &batches)
	type product struct{ id, name string }
	all := []product{{"p7", "a"}, {"p8", "b"}, {"q7", "c"}}
	got, err := client.Filter(t.Context(), c, "ann", client.ActionView, all, func(p product) client.Resource { return client.OnProduct(p.id) })
	if err != nil || len(got) != 2 || got[0].name != "a" || got[1].name != "c" {
		t.Errorf("%v, %v", got, err)
	}
	ids, err := client.Filter(t.Context(), c, "ann", client.ActionView, []string{"7", "8"}, client.OnProduct)
	if err != nil || len(ids) != 1 || ids[0] != "7" {
		t.Errorf("%v, %v", ids, err)
	}
}

// False is a denial alone: what was not decided is an error, whatever the others are.
func TestWhatIsNotDecidedIsNotFalse(t *testing.T) {
	var batches []int
	c := many(t, &batches)
	for id, want := range map[string]func(error) bool{
		"odd": func(err error) bool { return errors.Is(err, client.ErrUnknownAction) },
		"wrong": func(err error) bool {
			e, ok := errors.AsType[*client.EvaluationError](err)
			return ok && e.Status == 403
		},
	} {
		ids := []string{"7", id, "17"}
		got, err := client.Filter(t.Context(), c, "ann", client.ActionView, ids, client.OnProduct)
		if len(got) != 0 || !want(err) {
			t.Errorf("%s: %v, %v", id, got, err)
		}
	}
}

func TestAQuestionSaysWhatItsActionTakes(t *testing.T) {
	for want, q := range map[string]client.EvaluationRequest{
		`{"subject":{"type":"user","id":"ann"},"action":{"name":"view"},"resource":{"type":"organization","id":"acme"}}`:                                                                    client.Ask("ann", client.ActionView, client.OnOrganization("acme")),
		`{"subject":{"type":"user","id":"ann"},"action":{"name":"use"},"resource":{"type":"channel","id":"ftp","properties":{"organization":"acme"}}}`:                                      client.Ask("ann", client.ActionUse, client.OnChannel("acme", client.ChannelFTP)),
		`{"subject":{"type":"user","id":"ann"},"action":{"name":"read_mail","properties":{"channel":"imap"}},"resource":{"type":"product","id":"m"}}`:                                       client.Ask("ann", client.ActionReadMail, client.OnProduct("m"), client.Through(client.ChannelIMAP)),
		`{"subject":{"type":"user","id":"ann"},"action":{"name":"change_role","properties":{"role":"client"}},"resource":{"type":"user","id":"carl","properties":{"organization":"acme"}}}`: client.Ask("ann", client.ActionChangeRole, client.OnUser("acme", "carl"), client.ToRole(client.RoleClient)),
	} {
		got, err := json.Marshal(q)
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}
