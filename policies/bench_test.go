package policies_test

import (
	"testing"

	"cordon/policies"
)

func BenchmarkDecide(b *testing.B) {
	engine := compile(b, policies.Builtin())
	denied := manage()
	denied.Subject.Role = policies.RoleClient
	denied.Resource.Blocks = []string{policies.OriginAdministrator}
	for name, in := range map[string]*policies.Input{"allowed": manage(), "denied": denied} {
		b.Run(name+"/memo", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := engine.Decide(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/uncached", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := engine.DecideUncached(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/plain", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := engine.DecidePlain(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecideInParallel(b *testing.B) {
	engine := compile(b, policies.Builtin())
	inputs := randomInputs(4096)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := engine.Decide(b.Context(), inputs[i%len(inputs)]); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		compile(b, policies.Builtin())
	}
}
