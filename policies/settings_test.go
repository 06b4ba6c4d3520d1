package policies_test

import (
	"errors"
	"fmt"
	"strings"
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
	if diff := cmp.Diff(policies.Settings{AdministratorsManageBlockedProducts: true, ProductEventsTo: policies.ToMembers, SupportCode: policies.SupportCode{LifetimeMinutes: 15, Tries: 5}}, engine.Settings()); diff != "" {
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

// What an editor got wrong in the settings is told with the file, the row, the column and the member.
func TestSettingsAreHeldAgainstTheirSchema(t *testing.T) {
	const file = "{\n  \"settings\": {\n    \"additional_critical_channels\": [],\n    \"administrators_manage_blocked_products\": false,\n    %s\n  }\n}\n"
	for body, want := range map[string]string{
		`"support_code": {"tries": 101}`:                      `cordon/settings.json:5:31: /settings/support_code/tries: Must be less than or equal to 100`,
		`"support_code": {"tries": 1.5}`:                      `cordon/settings.json:5:31: /settings/support_code/tries: Invalid type. Expected: integer, given: number`,
		`"support_code": {"lifetime": 5}`:                     `cordon/settings.json:5:34: /settings/support_code/lifetime: there is no such member`,
		`"support_cod": {}`:                                   `cordon/settings.json:5:20: /settings/support_cod: there is no such member; did you mean support_code?`,
		`"left_to_organizations": ["timezone"]`:               `cordon/settings.json:5:31: /settings/left_to_organizations/0: left_to_organizations.0 must be one of the following: "administrators_manage_blocked_products", "blocks_must_end", "product_events_to"`,
		`"product_events_to": "everybody"`:                    `cordon/settings.json:5:26: /settings/product_events_to: `,
		`"reasons": {"granted": {"person": {"en": ""}}}`:      `cordon/settings.json:5:46: /settings/reasons/granted/person/en: String length must be greater than or equal to 1`,
		`"reasons": {"grnted": {"person": {"en": "Yes."}}}`:   `cordon/settings.json: /settings/reasons/grnted: no rule has this code; did you mean granted?`,
		`"languages": ["it"]`:                                 `cordon/rules/`,
		`"languages": ["italiano!"]`:                          `cordon/settings.json:5:19: /settings/languages/0: Does not match pattern`,
		`"blocks_must_end": "yes", "product_events_to": true`: `cordon/settings.json:5:24: /settings/blocks_must_end: Invalid type. Expected: boolean, given: string`,
	} {
		src := domainRules()
		src.Files[settingsFile] = fmt.Sprintf(file, body)
		_, err := policies.Compile(t.Context(), src)
		var refused *policies.ProblemsError
		if !errors.As(err, &refused) || !strings.HasPrefix(refused.Problems[0].String(), want) {
			t.Errorf("%s: got %v\nwant %s", body, err, want)
		}
	}
	src := domainRules() // what is missing has the place of what lacks it
	src.Files[settingsFile] = "{\n \"settings\": {\n \"additional_critical_channels\": []}}"
	_, err := policies.Compile(t.Context(), src)
	if want := "cordon/settings.json:2:14: /settings: administrators_manage_blocked_products is required"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	delete(src.Files, settingsFile)
	src.Files["cordon/mine.json"] = `{"settings":{"additional_critical_channels":[],"administrators_manage_blocked_products":7}}`
	if _, err := policies.Compile(t.Context(), src); err == nil || !strings.HasPrefix(err.Error(), "cordon/mine.json:1:") {
		t.Errorf("in another file: %v", err)
	}
}

// Sentences in the settings stand in the place of those of the rules, and a language that all of them speak is spoken.
func TestTheSettingsChangeWhatReasonsSay(t *testing.T) {
	src := domainRules()
	reasons := map[string]any{}
	for _, r := range compile(t, src).Rules() {
		reasons[r.Code] = map[string]any{"person": map[string]any{"it": "Per lei: " + r.Code + "."}, "administrator": map[string]any{"it": "Per voi: " + r.Code + "."}}
	}
	reasons["product_blocked"].(map[string]any)["person"].(map[string]any)["en"] = "Blocked. Call us."
	change(src, "reasons", reasons)
	change(src, "languages", []string{"it"})
	engine := compile(t, src)
	if got := engine.Languages(); !cmp.Equal(got, []string{"en", "fr", "de", "it"}) {
		t.Errorf("languages %v", got)
	}
	in := manage()
	in.Resource.Blocks = []string{policies.OriginHost}
	got, err := engine.Decide(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	before := textsOf(t, compile(t, domainRules()), "product_blocked")
	for language, want := range map[string]string{"en": "Blocked. Call us.", "it": "Per lei: product_blocked.", "fr": before.Person["fr"]} {
		if said := got.ReasonsIn(language)[0].Message; said != want {
			t.Errorf("in %s: %q, want %q", language, said, want)
		}
	}
	if texts := textsOf(t, engine, "product_blocked"); texts.Administrator["en"] != before.Administrator["en"] || texts.Administrator["it"] != "Per voi: product_blocked." {
		t.Errorf("to administrators %v", texts.Administrator)
	}
	delete(reasons, "granted") // then Italian is not whole
	change(src, "reasons", reasons)
	if _, err := policies.Compile(t.Context(), src); err == nil || !strings.Contains(err.Error(), "granted") || !strings.Contains(err.Error(), "in it") {
		t.Errorf("got %v", err)
	}
}
