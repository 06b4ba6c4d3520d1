package packaging_test

import (
	"fmt"
	"maps"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// service is what we say of one in compose.yaml.
type service struct {
	Build       string
	Image       string
	Command     []string
	Environment map[string]string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Ports       []string
	Volumes     []string
	Healthcheck *struct {
		Test        []string
		Interval    string
		Timeout     string
		StartPeriod string `yaml:"start_period"`
		Retries     int
	}
	ReadOnly    bool `yaml:"read_only"`
	Tmpfs       []string
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	Restart     string
	Grace       string `yaml:"stop_grace_period"`
}

// compose gives the services of compose.yaml; a key that is not known here is an error, as it is for the engine.
func compose(t *testing.T) map[string]service {
	t.Helper()
	var read struct {
		Name     string
		Services map[string]service
		Volumes  map[string]any
	}
	decoder := yaml.NewDecoder(strings.NewReader(file(t, "compose.yaml")))
	decoder.KnownFields(true)
	if err := decoder.Decode(&read); err != nil {
		t.Fatalf("read compose.yaml: %v", err)
	}
	for name, service := range read.Services {
		for _, volume := range service.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if _, known := read.Volumes[source]; !known {
				t.Errorf("compose.yaml: %s mounts %s, which is no volume of it", name, source)
			}
		}
	}
	return read.Services
}

func TestComposeWaitsForAReplicaSet(t *testing.T) {
	services := compose(t)
	mongodb, cordon := services["mongodb"], services["cordon"]
	at := slices.Index(mongodb.Command, "--replSet")
	if at < 0 || at+1 == len(mongodb.Command) {
		t.Fatalf("mongodb is started by %q, want a replica set: transactions and change streams need one", mongodb.Command)
	}
	set := mongodb.Command[at+1]
	if mongodb.Healthcheck == nil {
		t.Fatal("mongodb has no health check, so nobody initiates its replica set")
	}
	script := strings.Join(mongodb.Healthcheck.Test, " ")
	for _, want := range []string{"rs.initiate(", fmt.Sprintf("_id: %q", set), `host: "mongodb:27017"`, "isWritablePrimary"} {
		if !strings.Contains(script, want) {
			t.Errorf("the health check of mongodb does not say %s", want)
		}
	}
	if got := cordon.DependsOn["mongodb"].Condition; got != "service_healthy" {
		t.Errorf("cordon waits for mongodb to be %q, want service_healthy", got)
	}
	address, err := url.Parse(cordon.Environment["CORDON_MONGODB_URI"])
	if err != nil {
		t.Fatal(err)
	}
	if address.Scheme != "mongodb" || address.Host != "mongodb:27017" || address.Path != "/cordon" || address.Query().Get("replicaSet") != set {
		t.Errorf("cordon is sent to %s, want database cordon of replica set %s on mongodb:27017", address, set)
	}
}

func TestComposeKeepsWhatMustNotBeLost(t *testing.T) {
	services := compose(t)
	for name, want := range map[string]string{"mongodb": ":/data/db", "cordon": ":" + dockerfile(t)[1].one(t, "VOLUME")} {
		if !slices.ContainsFunc(services[name].Volumes, func(volume string) bool { return strings.HasSuffix(volume, want) }) {
			t.Errorf("%s mounts %q, want a volume on %s", name, services[name].Volumes, want[1:])
		}
	}
	for name, service := range services {
		for _, port := range service.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s to everybody: TLS comes before that", name, port)
			}
		}
	}
	cordon := services["cordon"]
	if !cordon.ReadOnly || !slices.Equal(cordon.Tmpfs, []string{"/tmp"}) || !slices.Equal(cordon.CapDrop, []string{"ALL"}) || !slices.Contains(cordon.SecurityOpt, "no-new-privileges:true") {
		t.Error("cordon needs no capability and writes nothing but its volume, and compose.yaml should say so")
	}
}

// A container that is killed while it drains cuts requests off: it gets longer than the program takes by its own
// settings, and time to spare.
func TestComposeWaitsUntilCordonHasStopped(t *testing.T) {
	program := built(t)
	cordon := compose(t)["cordon"]
	takes := shipping(t, command(t, program, "serve", "--help"))
	for _, name := range []string{"CORDON_DRAIN_DELAY", "CORDON_DRAIN_TIMEOUT"} {
		value := cordon.Environment[name]
		if value == "" {
			value = dockerfile(t)[1].variables()[name]
		}
		if value == "" {
			value = standard(t, command(t, program, "help", "config"), name)
		}
		takes += duration(t, value)
	}
	if takes < 30*time.Second {
		t.Errorf("it takes %s to stop, which is less than its defaults", takes)
	}
	if grace := duration(t, cordon.Grace); grace < takes+5*time.Second {
		t.Errorf("stop_grace_period is %s, and it may take %s to stop", grace, takes)
	}
}

// standard gives the default of a variable in the table of help config.
func standard(t *testing.T, table, name string) string {
	t.Helper()
	for line := range strings.Lines(table) {
		if columns := strings.Fields(line); len(columns) > 2 && columns[1] == name {
			return columns[2]
		}
	}
	t.Fatalf("cordon help config has no %s", name)
	return ""
}

// shipping gives how long a stopping server ships what is on record, as its help says.
func shipping(t *testing.T, help string) time.Duration {
	t.Helper()
	found := regexp.MustCompile(`at most, and (\w+) to ship`).FindStringSubmatch(help)
	if found == nil {
		t.Fatal("cordon serve --help does not say how long it ships what is on record")
	}
	return duration(t, found[1])
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The metadata that callers read names an address at which the ports are published.
func TestComposeSaysHowItIsReached(t *testing.T) {
	cordon := compose(t)["cordon"]
	at, err := url.Parse(cordon.Environment["CORDON_PUBLIC_URL"])
	if err != nil || !slices.Contains(cordon.Ports, at.Host+":8080") {
		t.Errorf("CORDON_PUBLIC_URL is %q, and the ports are %q", cordon.Environment["CORDON_PUBLIC_URL"], cordon.Ports)
	}
}

// built builds the program.
func built(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "cordon")
	command(t, "go", "build", "-o", program, "./cmd/cordon")
	return program
}

// What the image and the compose file set must be settings: a variable that nobody reads is a promise that is not kept.
func TestEverySettingIsOne(t *testing.T) {
	program := built(t)
	help := strings.FieldsFunc(command(t, program, "help", "config"), func(r rune) bool {
		return !(r == '_' || r == '-' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9')
	})
	set := maps.Clone(dockerfile(t)[1].variables())
	cordon := compose(t)["cordon"]
	maps.Copy(set, cordon.Environment)
	for name := range set {
		if !slices.Contains(help, name) {
			t.Errorf("%s is set, and cordon help config does not know it", name)
		}
	}
	// And it takes what they are set to: it looks at all of them before it says that it is not tried on MongoDB.
	try := exec.CommandContext(t.Context(), program, "serve", "--dev")
	try.Env = []string{}
	for name, value := range set {
		try.Env = append(try.Env, name+"="+value)
	}
	said, err := try.CombinedOutput()
	if err == nil || string(said) != "cordon: --dev never runs on MongoDB: leave --mongodb-uri away, or make a key with cordon keys create and serve without --dev\n" {
		t.Errorf("on the settings of compose.yaml: %v, %s", err, said)
	}
	for _, argument := range cordon.Command {
		if flag, _, _ := strings.Cut(argument, "="); strings.HasPrefix(flag, "--") && !slices.Contains(help, flag) {
			t.Errorf("%s is given, and cordon help config does not know it", flag)
		}
	}
}
