package policies_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
)

// What the engine says that holds in an organization is what the rules decide by.
func TestWhatHoldsInAnOrganizationIsWhatTheRulesDecideBy(t *testing.T) {
	decisions := 0
	for _, left := range [][]string{nil, {policies.SettingAdministratorsManage}, {policies.SettingBlocksMustEnd}, {policies.SettingAdministratorsManage, policies.SettingBlocksMustEnd}} {
		for _, policy := range bools {
			engine := compile(t, withSettings(settings{adminsManageBlocked: policy, blocksMustEnd: !policy, left: left}))
			for _, chosen := range choices() {
				if chosen == nil {
					continue
				}
				holds := engine.InForce(*chosen)
				managed := manage()
				managed.Resource.Blocks, managed.Organization.Settings = []string{policies.OriginHost}, chosen
				block := manage()
				block.Action.Name, block.Act, block.Organization.Settings = "block", &policies.Act{Origin: policies.OriginAdministrator}, chosen
				for in, want := range map[*policies.Input]bool{managed: *holds.AdministratorsManageBlockedProducts, block: !*holds.BlocksMustEnd} {
					got, err := engine.Decide(t.Context(), in)
					if err != nil || got.Allowed != want {
						t.Errorf("%s by %+v: allowed %v, want %v, %v", in.Action.Name, engine.Settings(), got.Allowed, want, err)
					}
					decisions++
				}
			}
		}
	}
	if decisions < 100 {
		t.Errorf("only %d decisions", decisions)
	}
}

func TestAnOrganizationChoosesWhatIsLeftToIt(t *testing.T) {
	engine := compile(t, withSettings(settings{left: []string{policies.SettingProductEventsTo, policies.SettingBlocksMustEnd}}))
	chosen := policies.OrganizationSettings{
		AdministratorsManageBlockedProducts: new(true), BlocksMustEnd: new(true), ProductEventsTo: policies.ToAdmins,
	}
	if got := chosen.Chosen(); !cmp.Equal(got, []string{"administrators_manage_blocked_products", "blocks_must_end", "product_events_to"}) {
		t.Errorf("chosen %v", got)
	}
	if diff := cmp.Diff(policies.OrganizationSettings{BlocksMustEnd: new(true), ProductEventsTo: policies.ToAdmins}, engine.Left(chosen)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	want := policies.OrganizationSettings{
		AdministratorsManageBlockedProducts: new(false), BlocksMustEnd: new(true), ProductEventsTo: policies.ToAdmins,
	}
	if diff := cmp.Diff(want, engine.InForce(chosen)); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
	want = policies.OrganizationSettings{
		AdministratorsManageBlockedProducts: new(false), BlocksMustEnd: new(false), ProductEventsTo: policies.ToMembers,
	}
	if diff := cmp.Diff(want, engine.InForce(policies.OrganizationSettings{})); diff != "" {
		t.Errorf("nothing chosen (-want +got):\n%s", diff)
	}
	engine.Settings().LeftToOrganizations[0] = "changed" // by a careless caller
	if engine.Settings().LeftToOrganizations[0] == "changed" {
		t.Error("a caller can change the settings")
	}
}

// A policy of a release that did not know a setting goes on as it was there.
func TestAPolicyWithoutTheNewSettingsHasThemAsTheyWere(t *testing.T) {
	src := domainRules()
	src.Files[settingsFile] = `{"settings":{"administrators_manage_blocked_products":true,"additional_critical_channels":[]}}`
	engine := compile(t, src)
	if diff := cmp.Diff(policies.Settings{AdministratorsManageBlockedProducts: true, ProductEventsTo: policies.ToMembers}, engine.Settings()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	in := manage()
	in.Action.Name, in.Act = "block", &policies.Act{Origin: policies.OriginAdministrator}
	in.Organization.Settings = &policies.OrganizationSettings{BlocksMustEnd: new(true)}
	if got, err := engine.Decide(t.Context(), in); err != nil || !got.Allowed {
		t.Errorf("%+v, %v", got, err)
	}
	change(src, "blocks_must_end", "yes")
	if _, err := policies.Compile(t.Context(), src); err == nil {
		t.Error("a setting of another type is taken")
	}
}
