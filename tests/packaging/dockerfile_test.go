// Package packaging_test proves what can be proved of the container image and the compose file without a container
// engine: that they are what we say they are, that the build line builds, and that what it builds runs as it will run
// in the image: alone, without root, on the variables that the image sets.
package packaging_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// stage is one FROM of a Dockerfile with what follows it.
type stage struct {
	from         string
	name         string
	instructions []instruction
}

// instruction is one line of a Dockerfile, continuation lines joined.
type instruction struct {
	word string
	rest string
}

// dockerfile gives the stages of ours. It reads what ours is written in, and no more: no heredoc, no ONBUILD.
func dockerfile(t *testing.T) []stage {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	comment := regexp.MustCompile(`(?m)^\s*#.*\n`)
	joined := strings.ReplaceAll(comment.ReplaceAllString(string(content), ""), "\\\n", " ")
	var stages []stage
	for line := range strings.Lines(joined) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" {
			continue
		}
		rest = strings.Join(strings.Fields(rest), " ")
		if word == "FROM" {
			from, name, _ := strings.Cut(rest, " AS ")
			stages = append(stages, stage{from: from, name: name})
			continue
		}
		if len(stages) == 0 {
			t.Fatalf("Dockerfile: %s stands before FROM", word)
		}
		last := &stages[len(stages)-1]
		last.instructions = append(last.instructions, instruction{word, rest})
	}
	if len(stages) != 2 {
		t.Fatalf("Dockerfile: %d stages, want one that builds and one that is shipped", len(stages))
	}
	return stages
}

// all gives what stands behind every instruction of a kind.
func (s stage) all(word string) []string {
	var found []string
	for _, instruction := range s.instructions {
		if instruction.word == word {
			found = append(found, instruction.rest)
		}
	}
	return found
}

// one gives what stands behind the only instruction of a kind.
func (s stage) one(t *testing.T, word string) string {
	t.Helper()
	found := s.all(word)
	if len(found) != 1 {
		t.Fatalf("Dockerfile: %d times %s in the stage from %s, want 1", len(found), word, s.from)
	}
	return found[0]
}

// variables gives what the stage's ENV sets.
func (s stage) variables() map[string]string {
	set := map[string]string{}
	for _, line := range s.all("ENV") {
		for _, pair := range strings.Fields(line) {
			name, value, _ := strings.Cut(pair, "=")
			set[name] = value
		}
	}
	return set
}

func TestTheImageHoldsTheProgramAlone(t *testing.T) {
	stages := dockerfile(t)
	build, image := stages[0], stages[1]
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(file(t, "go.mod"))[1]
	if want := "golang:" + goVersion; build.from != want {
		t.Errorf("it is built from %s, want %s, as go.mod says", build.from, want)
	}
	if want := "gcr.io/distroless/static-debian12:nonroot"; image.from != want && !strings.HasPrefix(image.from, want+"@sha256:") {
		t.Errorf("it is shipped on %s, want %s", image.from, want)
	}
	if runs := image.all("RUN"); len(runs) > 0 {
		t.Errorf("the image runs %q, and has no shell to do so", runs)
	}
	for _, copied := range image.all("COPY") {
		if !strings.Contains(copied, "--from="+build.name) {
			t.Errorf("COPY %s: nothing of the checkout goes into the image", copied)
		}
	}
}

func TestTheImageIsNotRoot(t *testing.T) {
	image := dockerfile(t)[1]
	if user := image.one(t, "USER"); user != "65532:65532" {
		t.Errorf("USER %s, want 65532:65532: by number, so that whoever runs it can check that it is not root", user)
	}
	volume := image.one(t, "VOLUME")
	if owned := "--chown=65532:65532"; !slices.ContainsFunc(image.all("COPY"), func(copied string) bool {
		return strings.Contains(copied, owned) && strings.HasSuffix(copied, " "+volume)
	}) {
		t.Errorf("no COPY %s … %s: that user could not write its volume", owned, volume)
	}
	if data := image.variables()["CORDON_DATA"]; data != volume {
		t.Errorf("CORDON_DATA is %q, and the volume is %q", data, volume)
	}
}

func TestTheImageServesAndTellsHowItIs(t *testing.T) {
	image := dockerfile(t)[1]
	for word, want := range map[string][]string{"ENTRYPOINT": {"/cordon"}, "CMD": {"serve"}, "HEALTHCHECK": {"/cordon", "healthcheck"}} {
		rest := image.one(t, word)
		if word == "HEALTHCHECK" {
			rest = rest[strings.Index(rest, "CMD ")+len("CMD "):]
		}
		var got []string
		if err := json.Unmarshal([]byte(rest), &got); err != nil {
			t.Errorf("%s %s: there is no shell in the image, so it must be a list: %v", word, rest, err)
		} else if !slices.Equal(got, want) {
			t.Errorf("%s %q, want %q", word, got, want)
		}
	}
	if got := image.one(t, "EXPOSE"); got != "8080 9090" {
		t.Errorf("EXPOSE %s, want 8080 9090", got)
	}
	for name, port := range map[string]string{"CORDON_LISTEN": "8080", "CORDON_METRICS_LISTEN": "9090"} {
		if got, want := image.variables()[name], "0.0.0.0:"+port; got != want {
			t.Errorf("%s is %q, want %q: the loopback of a container is reached by nobody", name, got, want)
		}
	}
}

// The build line finds what it needs: everything that the program is built from is sent to the builder.
func TestTheBuilderIsSentWhatItNeeds(t *testing.T) {
	var sent, kept []string
	for line := range strings.Lines(file(t, ".dockerignore")) {
		line = strings.TrimSpace(line)
		if name, again := strings.CutPrefix(line, "!"); again {
			sent = append(sent, name)
		} else if line != "" && !strings.HasPrefix(line, "#") {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 || kept[0] != "*" {
		t.Errorf(".dockerignore begins with %q, want * so that nothing is sent by default", kept)
	}
	for _, name := range append([]string{"go.mod", "go.sum"}, folders(t)...) {
		if !slices.Contains(sent, name) {
			t.Errorf(".dockerignore does not send %s, which the program is built from", name)
		}
	}
}

// folders gives the folders of the checkout that packages of the program lie in.
func folders(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, imported := range strings.Fields(command(t, "go", "list", "-deps", "./cmd/cordon")) {
		folder, ours := strings.CutPrefix(imported, "cordon/")
		if !ours { // the SDK is a module of its own
			folder, ours = strings.CutPrefix(imported, "cordon.example/")
		}
		if ours {
			top, _, _ := strings.Cut(folder, "/")
			if !slices.Contains(found, top) {
				found = append(found, top)
			}
		}
	}
	if len(found) == 0 {
		t.Fatal("the program is built from no package of ours")
	}
	return found
}

func file(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(fmt.Errorf("read %s: %w", name, err))
	}
	return string(content)
}
