package main_test

import (
	"maps"
	"strings"
	"testing"
)

func TestASettingIsSetInADraftOfTheActiveVersion(t *testing.T) { // docs/design.md 12
	files := maps.Clone(small)
	files["cordon/settings.json"] = "{\n  \"settings\": {\n    \"blocks_must_end\": false,\n    \"support_code\": {\n      \"tries\": 5\n    }\n  }\n}\n"
	for _, row := range []struct{ key, value, was, is string }{
		{"blocks_must_end", "true", `"blocks_must_end": false`, `"blocks_must_end": true`},
		{"support_code.tries", "10", `"tries": 5`, `"tries": 10`},
		{"timezone", "Europe/Zurich", "    }\n  }\n}", "    },\n    \"timezone\": \"Europe/Zurich\"\n  }\n}"},
		{"left_to_organizations", `["blocks_must_end"]`, "false,", "false,\n    \"left_to_organizations\": [\n      \"blocks_must_end\"\n    ],"},
		{"reasons.granted.person.it", "Sì & no.", "false,", "false,\n    \"reasons\": {\n      \"granted\": {\n        \"person\": {\n          \"it\": \"Sì & no.\"\n        }\n      }\n    },"},
		{"blocks_must_end", "default", "    \"blocks_must_end\": false,\n", ""},
	} {
		s := keeper(t, files, nil)
		s.command().run(t, "policy", "set", row.key, row.value, "--as", "lena").want(t, 0, "sha256:new\n", "tests: 3 passed")
		next := maps.Clone(files)
		next["cordon/settings.json"] = strings.Replace(files["cordon/settings.json"], row.was, row.is, 1)
		want := `"files":` + asJSON(t, next)
		if last := s.asked[len(s.asked)-1]; !strings.HasPrefix(last, "POST /v1/policies/cordon/versions") || !strings.Contains(last, `"message":"set `+row.key+` to `) {
			t.Errorf("%s: asked %s", row.key, last)
		} else if !strings.Contains(last, asJSON(t, next["cordon/settings.json"])) {
			t.Errorf("%s: asked %s\nwant %s", row.key, last, want)
		}
	}
	s := keeper(t, files, nil)
	for _, args := range [][]string{{"", "x"}, {"a..b", "x"}, {"blocks_must_end"}} {
		s.command().run(t, append([]string{"policy", "set", "--as", "lena"}, args...)...).want(t, 2, "", "set")
	}
	s.command().run(t, "policy", "set", "blocks_must_end.deep", "1", "--as", "lena").want(t, 3, "", "blocks_must_end has no members")
	s.command().run(t, "policy", "set", "blocks_must_end", "true").want(t, 2, "", "say who you are")
}
