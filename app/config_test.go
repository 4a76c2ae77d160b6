package app

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWithoutAnySourceTheDefaultsAreValid(t *testing.T) {
	c, err := Load(Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Defaults(), c); diff != "" {
		t.Error(diff)
	}
}

func TestLaterSourcesWin(t *testing.T) {
	file := writeFile(t, "nightbell.yaml", "listen: 127.0.0.1:1\nnode: file\ndata_dir: file\nlog: {level: debug}\n")
	c, err := Load(Sources{
		File:    file,
		Environ: []string{"NIGHTBELL_NODE=environment", "NIGHTBELL_DATA_DIR=environment", "HOME=/root", "NIGHTBELL_LISTEN="},
		Flags:   map[string]string{"data_dir": "flag"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.Listen, want.Node, want.DataDir, want.Log.Level = "127.0.0.1:1", "environment", "flag", "debug"
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

// TestEverySettingCanBeSet gives each scalar setting a value of its own type
// through the environment, and finds it changed.
func TestEverySettingCanBeSet(t *testing.T) {
	for _, s := range Settings() {
		if s.Env == "" {
			continue
		}
		t.Run(s.Env, func(t *testing.T) {
			c := Defaults()
			field := reflect.ValueOf(&c).Elem().FieldByIndex(s.index)
			text, want := otherThan(t, field)
			if p := applyEnviron(&c, []string{s.Env + "=" + text}); len(p) > 0 {
				t.Fatal(p)
			}
			if diff := cmp.Diff(want, field.Interface()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func otherThan(t *testing.T, field reflect.Value) (text string, want any) {
	switch v := field.Interface().(type) {
	case string:
		return "x", "x"
	case []string:
		return "a, b", []string{"a", "b"}
	case bool:
		if v {
			return "false", false
		}
		return "true", true
	case int:
		return "7", 7
	case time.Duration:
		return "7s", 7 * time.Second
	}
	t.Fatalf("a setting of type %s: teach settings.go and this test about it", field.Type())
	return "", nil
}

func TestProblemsAreToldTogetherWithTheirPlace(t *testing.T) {
	secret := strings.Repeat("s", 32)
	cases := []struct {
		name string
		from Sources
		want []string // each must be in the message
	}{
		{"unknown key", Sources{File: "listn: :1\nlog:\n  levl: info\n"},
			[]string{"line 1: unknown setting listn (did you mean listen?)", "line 3: unknown setting log.levl (did you mean level?)", "has 2 problems"}},
		{"unknown key far from all", Sources{File: "zzzzzzzzzzzz: 1\n"}, []string{"unknown setting zzzzzzzzzzzz"}},
		{"unknown key in an app", Sources{File: "push:\n  apns:\n    apps:\n      - namme: x\n"},
			[]string{"line 4: unknown setting push.apns.apps[0].namme (did you mean name?)"}},
		{"not YAML", Sources{File: "a: [\n"}, []string{"not valid YAML"}},
		{"two documents", Sources{File: "node: a\n---\nnode: b\n"}, []string{"several YAML documents"}},
		{"a list for a value", Sources{File: "listen: [a]\n"}, []string{"listen cannot be a list"}},
		{"a value for a group", Sources{File: "log: loud\n"}, []string{"log must be a group of settings"}},
		{"a group for a value", Sources{File: "listen: {port: 1}\n"}, []string{"listen cannot hold settings such as port"}},
		{"wrong type", Sources{File: "writers: many\n"}, []string{"cannot"}},
		{"duplicate key", Sources{File: "node: a\nnode: b\n"}, []string{"already defined"}},
		{"anchors", Sources{File: "node: &a x\ndata_dir: *a\n"}, []string{"write the value out"}},
		{"unknown variable", Sources{Environ: []string{"NIGHTBELL_LISTENS=1"}},
			[]string{"environment: unknown variable NIGHTBELL_LISTENS (did you mean NIGHTBELL_LISTEN?)"}},
		{"malformed variable", Sources{Environ: []string{"NIGHTBELL_LEASE=soon", "NIGHTBELL_MIGRATE=perhaps", "NIGHTBELL_WRITERS=x"}},
			[]string{`NIGHTBELL_LEASE: "soon" is not a duration`, `NIGHTBELL_MIGRATE: "perhaps" is neither true nor false`, `NIGHTBELL_WRITERS: "x" is not a whole number`}},
		{"unknown flag", Sources{Flags: map[string]string{"log.lvl": "x"}}, []string{"command line: unknown setting log.lvl (did you mean log.level?)"}},
		{"list by flag", Sources{Flags: map[string]string{"push.fcm.apps": "x"}}, []string{"can only be set in the configuration file"}},
		{"listen", Sources{Flags: map[string]string{"listen": "8080"}}, []string{`listen: "8080" is not an address`}},
		{"public url", Sources{Flags: map[string]string{"public_url": "nightbell.example.com"}}, []string{"public_url"}},
		{"public url with a path", Sources{Flags: map[string]string{"public_url": "https://x.example/app"}}, []string{"no path"}},
		{"proxies", Sources{Flags: map[string]string{"trusted_proxies": "10.0.0.7, ::1, 10.0.0.0/8, proxy"}}, []string{`trusted_proxies: "proxy" is neither`}},
		{"other database", Sources{Flags: map[string]string{"database": "mysql://h/d"}}, []string{"mysql:// is not supported"}},
		{"postgres without secret", Sources{Flags: map[string]string{"database": "postgres://h/d"}}, []string{"all of them need the same secret"}},
		{"short secret", Sources{Flags: map[string]string{"secret": "hunter2"}}, []string{"is 7 characters long"}},
		{"secret twice", Sources{Flags: map[string]string{"secret": secret, "secret_file": "x"}}, []string{"secret and secret_file are both set"}},
		{"secret file missing", Sources{Flags: map[string]string{"secret_file": "/nonexistent/secret"}}, []string{"secret_file: open /nonexistent/secret"}},
		{"durations", Sources{Flags: map[string]string{"lease": "1ms", "shutdown_deadline": "1h"}}, []string{"lease: 1ms is not between", "shutdown_deadline: 1h0m0s is not between"}},
		{"log", Sources{Flags: map[string]string{"log.level": "loud", "log.format": "xml"}}, []string{`"loud" is not one of debug`, `"xml" is not one of text`}},
		{"apns app without anything", Sources{File: "push: {apns: {apps: [{}]}}\n"},
			[]string{"name is missing", "bundle_id: is missing", "team_id: is missing", "key_id: is missing", "neither key nor key_file"}},
		{"fcm app twice", Sources{File: "push: {fcm: {apps: [{name: a, service_account_file: /nonexistent}, {name: a}]}}\n"},
			[]string{`the name "a" is used twice`, "apps[1]: neither service_account", "apps[0].service_account_file: open /nonexistent"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if tc.from.File != "" {
				tc.from.File = writeFile(t, "nightbell.yaml", tc.from.File)
			}
			_, err := Load(tc.from)
			var p Problems
			if !errors.As(err, &p) {
				t.Fatalf("want Problems, got %v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not said in:\n%v", want, err)
				}
			}
		})
	}
}

func TestSecretsComeFromFilesAndStayOutOfSentences(t *testing.T) {
	secret := strings.Repeat("s", 40)
	c, err := Load(Sources{Flags: map[string]string{
		"secret_file":   writeFile(t, "secret", secret+"\n"),
		"database_file": writeFile(t, "database", "postgres://u:hunter2@h/d\n"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Secret != secret || c.Database != "postgres://u:hunter2@h/d" || !c.Postgres() {
		t.Errorf("read %q and %q", c.Secret, c.Database)
	}

	_, err = Load(Sources{File: writeFile(t, "nightbell.yaml", "secret: hunter2-hunter2\nwriters: many\n")})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a sentence about a broken file quotes the secret beside it: %v", err)
	}
}

func TestNamesThatOthersPutIntoTheEnvironmentAreNotOurs(t *testing.T) {
	_, err := Load(Sources{Environ: []string{
		"NIGHTBELL_CONFIG=x", "NIGHTBELL_PORT=tcp://10.0.0.1:80", "NIGHTBELL_PORT_80_TCP_ADDR=10.0.0.1",
		"NIGHTBELL_SERVICE_HOST=10.0.0.1", "NIGHTBELL_TEST_POSTGRES=postgres://x", "NIGHTBELL_REQUIRE_POSTGRES=1",
	}})
	if err != nil {
		t.Error(err)
	}
}

// TestTheExampleAndTheManualKnowEverySetting keeps three lists the same: the
// struct, the example file and the manual.
func TestTheExampleAndTheManualKnowEverySetting(t *testing.T) {
	c, err := Load(Sources{File: "../nightbell.example.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.TrustedProxies, want.Realtime.Origins = c.TrustedProxies, c.Realtime.Origins // empty lists, not nil
	want.Webhook.AllowNetworks = c.Webhook.AllowNetworks
	want.Push.APNs.Apps, want.Push.FCM.Apps, want.Push.WebPush.ExtraHosts = c.Push.APNs.Apps, c.Push.FCM.Apps, c.Push.WebPush.ExtraHosts
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("the example says it shows the defaults, but:\n%s", diff)
	}
	example := readText(t, "../nightbell.example.yaml")
	manual := readText(t, "../docs/configuration.md")
	for _, s := range Settings() {
		name := s.Key[strings.LastIndex(s.Key, ".")+1:]
		if !strings.Contains(example, name+":") {
			t.Errorf("nightbell.example.yaml lacks %s", s.Key)
		}
		if !strings.Contains(manual, "`"+s.Key+"`") {
			t.Errorf("docs/configuration.md lacks `%s`", s.Key)
		}
		if s.Env != "" && !strings.Contains(manual, "`"+s.Env+"`") {
			t.Errorf("docs/configuration.md lacks `%s`", s.Env)
		}
	}
	for _, list := range []any{APNsApp{}, FCMApp{}} {
		for i := range reflect.TypeOf(list).NumField() {
			name := reflect.TypeOf(list).Field(i).Tag.Get("yaml")
			if !strings.Contains(example, name+":") || !strings.Contains(manual, "`"+name+"`") {
				t.Errorf("an app's %s is missing in the example or the manual", name)
			}
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func FuzzDecodeYAML(f *testing.F) {
	for _, seed := range []string{"", "listen: :1", "log: {level: debug}", "push: {apns: {apps: [{name: a}]}}", "a: &a [*a]", "? [x]\n: y", "<<: {listen: x}", "- 1", "[[[[", "listen: !!binary aGk="} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxConfigFile {
			return
		}
		c := Defaults()
		if problems := decodeYAML(text, &c); len(problems) > 0 && !reflect.DeepEqual(c, Defaults()) {
			t.Errorf("a refused file changed the configuration: %q", text)
		}
	})
}
