package app

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestThePhoneTheEmulatorSuggestsCanBeRegistered does what the emulator prints:
// the token of its answer must be one that the API takes for a phone's.
func TestThePhoneTheEmulatorSuggestsCanBeRegistered(t *testing.T) {
	e := NewEmulator(EmulatorConfig{
		Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Dir: t.TempDir(), BundleID: "com.example.nightbell", Project: "emulated",
	})
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Stop(t.Context()) }()

	hint := regexp.MustCompile(`(http\S+) -d '(.+)'`).FindStringSubmatch(e.Describe())
	if hint == nil {
		t.Fatalf("no curl in:\n%s", e.Describe())
	}
	answer, err := http.Post(hint[1], "application/json", strings.NewReader(hint[2]))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var phone struct{ Token, Error string }
	if err := json.NewDecoder(answer.Body).Decode(&phone); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v %s", answer.Status, err, phone.Error)
	}
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(phone.Token) {
		t.Errorf("the API takes 64 hexadecimal digits for an APNs token; the hint gives %q", phone.Token)
	}
}

// TestTheEmulatorsDirectoryIsCalledByItsFlag: it has no data_dir to look for.
func TestTheEmulatorsDirectoryIsCalledByItsFlag(t *testing.T) {
	dir := filepath.Join(writeFile(t, "file", ""), "keys")
	e := NewEmulator(EmulatorConfig{Listen: "127.0.0.1:0", Dir: dir})
	err := e.Start(t.Context())
	if err == nil {
		_ = e.Stop(t.Context())
		t.Fatal("it started")
	}
	if said := err.Error(); !strings.Contains(said, dir) || !strings.Contains(said, "another with --dir") || strings.Contains(said, "data_dir") {
		t.Errorf("%q is not about %s and --dir", said, dir)
	}
}
