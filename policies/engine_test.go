package policies_test

import (
	"context"
	"testing"

	"cordon/policies"
)

func BenchmarkDecideUncached(b *testing.B) {
	e, err := policies.Compile(context.Background(), policies.Builtin())
	if err != nil {
		b.Fatal(err)
	}
	if on, why := e.MemoOn(); !on {
		b.Fatal(why)
	}
	for name, in := range map[string]*policies.Input{
		"allowed": {Action: policies.Action{Name: "manage"}, Subject: policies.Subject{Kind: "user", Member: true, Role: "administrator"}, Resource: policies.Resource{Type: "product", Known: true, Kind: "web_hosting"}},
		"denied":  {Action: policies.Action{Name: "manage"}, Subject: policies.Subject{Kind: "user", Member: true, Role: "client"}, Resource: policies.Resource{Type: "product", Known: true, Kind: "web_hosting", Blocks: []string{"administrator"}}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.DecideUncached(context.Background(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/memo", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Decide(context.Background(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
