package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/help")

// call runs the command line in a world of its own.
func call(t *testing.T, stdin string, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(world{
		args: args, environ: environ, stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs,
		signals: make(chan os.Signal),
	})
	return code, out.String(), errs.String()
}

// TestHelpTeaches compares every help page with the one that was approved;
// go test ./cmd/nightbell -update rewrites them.
func TestHelpTeaches(t *testing.T) {
	t.Setenv("COLUMNS", "100")
	for _, command := range []string{"", "serve", "demo", "doctor", "migrate", "user", "user add", "import", "token", "emulator", "version"} {
		t.Run(command, func(t *testing.T) {
			code, out, errs := call(t, "", nil, append(strings.Fields(command), "--help")...)
			if code != exitDone || errs != "" {
				t.Fatalf("exit code %d, %s", code, errs)
			}
			golden := filepath.Join("testdata", "help", "nightbell "+command+".txt")
			if *update {
				if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWrongUsageIsTold(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"srve"}, "unexpected argument srve"},
		{[]string{"serve", "--lisen", ":1"}, "unknown flag --lisen"},
		{[]string{"user", "add", "--name", "Ana"}, "--email"},
		{[]string{"token"}, "--user"},
		{[]string{"token", "--user", "a@example.com", "--ttl", "soon"}, "ttl"},
	} {
		code, _, errs := call(t, "", nil, tc.args...)
		if code != exitUsage || !strings.Contains(errs, tc.want) || !strings.Contains(errs, "--help") {
			t.Errorf("%v: exit code %d, %q does not say %q", tc.args, code, errs, tc.want)
		}
	}
	if code, out, _ := call(t, "", nil); code != exitUsage || !strings.Contains(out, "nightbell demo") {
		t.Errorf("no arguments: exit code %d, help:\n%s", code, out)
	}
}

func TestABadConfigurationIsAFailureWithAllReasons(t *testing.T) {
	code, _, errs := call(t, "", []string{"NIGHTBELL_LISTN=:1"}, "serve", "--set", "log.levl=debug", "--listen", "nowhere")
	for _, want := range []string{"nightbell: the configuration has 3 problems", "NIGHTBELL_LISTN (did you mean NIGHTBELL_LISTEN?)", "log.levl (did you mean log.level?)", `listen: "nowhere"`} {
		if code != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("exit code %d, %q is not said in:\n%s", code, want, errs)
		}
	}
}

func TestVersion(t *testing.T) {
	code, out, _ := call(t, "", nil, "version")
	if code != exitDone || !strings.HasPrefix(out, "nightbell ") || !strings.Contains(out, "schema ") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// TestSettingUpAnInstance is the operator's first quarter of an hour.
func TestSettingUpAnInstance(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	environ := []string{"NIGHTBELL_DATA_DIR=" + data, "NIGHTBELL_LISTEN=127.0.0.1:0", "NIGHTBELL_LOG_LEVEL=warn"}
	must := func(stdin, want string, args ...string) string {
		t.Helper()
		code, out, errs := call(t, stdin, environ, args...)
		if code != exitDone || !strings.Contains(out, want) {
			t.Fatalf("nightbell %v: exit code %d, no %q in\n%s%s", args, code, want, out, errs)
		}
		return out
	}
	fails := func(stdin, want string, args ...string) {
		t.Helper()
		code, out, errs := call(t, stdin, environ, args...)
		if code != exitFailed || !strings.Contains(errs+out, want) || strings.Contains(errs, "panic") {
			t.Fatalf("nightbell %v: exit code %d, no %q in\n%s%s", args, code, want, out, errs)
		}
	}

	must("", "will be made at the first start", "doctor")
	file := filepath.Join(t.TempDir(), "team.yaml")
	if err := os.WriteFile(file, []byte(must("", "services:", "import", "--example")), 0o600); err != nil {
		t.Fatal(err)
	}
	must("", "Dry run: nothing was written.", "import", file, "--dry-run")
	fails("", "there is no database at", "token", "--user", "ana@example.com")
	if _, err := os.Stat(data); err == nil {
		t.Error("doctor, token or a dry run made a data directory")
	}
	must("", "version 0 to", "migrate")
	must("", "up to date", "migrate")
	must("correct horse battery\n", "Added Ana Lima", "user", "add", "--name", "Ana Lima", "--email", "ana@example.com", "--role", "owner", "--password-file", "-")
	fails("correct horse battery\n", "is a user already", "user", "add", "--name", "Ana", "--email", "ANA@example.com", "--password-file", "-")
	fails("", "the password is empty", "user", "add", "--name", "Ben", "--email", "ben@example.com", "--password-file", "-")
	fails("", "no terminal to ask", "user", "add", "--name", "Ben", "--email", "ben@example.com")
	fails("correct horse battery\n", "role", "user", "add", "--name", "Ben", "--email", "ben@example.com", "--role", "king", "--password-file", "-")

	must("", "Dry run: nothing was written.", "import", file, "--dry-run")
	must("", "Routing key of", "import", file)
	must("", "Nothing to change.", "import", file)
	fails("", "there is no file", "import", filepath.Join(data, "nothing.yaml"))
	fails("", "import --example", "import")

	if token := strings.TrimSpace(must("", "ey", "token", "--user", "ana@example.com")); strings.Count(token, ".") != 2 {
		t.Errorf("%q is no token", token)
	}
	fails("", "no user with the e-mail", "token", "--user", "eve@example.com")
	must("", "schema version", "doctor")
	fails("", "unknown setting", "doctor", "--set", "lease.time=1s")
}
