package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// terminal is what the demo writes to: a text that can be waited for.
type terminal struct {
	mu   sync.Mutex
	text bytes.Buffer
	grew chan struct{}
}

func newTerminal() *terminal { return &terminal{grew: make(chan struct{}, 1)} }

func (t *terminal) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case t.grew <- struct{}{}:
	default:
	}
	return t.text.Write(b)
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// await waits until the terminal shows the text after the first from bytes,
// and gives where it ends.
func (t *terminal) await(tb testing.TB, from int, want string) int {
	tb.Helper()
	deadline := time.After(30 * time.Second)
	for {
		shown := t.String()
		if i := strings.Index(shown[from:], want); i >= 0 {
			return from + i + len(want)
		}
		select {
		case <-t.grew:
		case <-deadline:
			tb.Fatalf("the terminal does not show %q:\n%s", want, shown[from:])
		}
	}
}

// curl does what a printed curl line does.
func curl(t *testing.T, line string) (status int, answer map[string]any) {
	t.Helper()
	m := regexp.MustCompile(`^curl -s (\S+) -H 'Content-Type: application/json' -d '(.*)'$`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("not a curl line we know: %s", line)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m[1], strings.NewReader(m[2]))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := newClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%s: %v in %s", m[1], err, text)
	}
	return res.StatusCode, answer
}

// lineAfter gives the line that follows the one with the label, beyond from.
func lineAfter(t *testing.T, text, label string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, label+"\n")
	line, _, _ := strings.Cut(strings.TrimLeft(rest, "\n "), "\n")
	if !ok || line == "" {
		t.Fatalf("there is no %q in:\n%s", label, text)
	}
	return line
}

func startDemo(t *testing.T, cfg Config) (*Demo, *terminal) {
	t.Helper()
	out := newTerminal()
	cfg.Listen, cfg.Out = "127.0.0.1:0", out
	d := New(cfg)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopDemo(t, d) })
	return d, out
}

func stopDemo(t *testing.T, d *Demo) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := d.Stop(ctx); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// TestTheDemoTellsTheStory follows what the banner says: an event rings Ana's
// phone, nobody answers, Ben's rings, Ben's button quiets both.
func TestTheDemoTellsTheStory(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d, out := startDemo(t, Config{Quick: true})
	banner := out.String()
	for _, want := range []string{"ana@example.com", "ben@example.com", "nightbell-demo", "5s", "removed at the end"} {
		if !strings.Contains(banner, want) {
			t.Errorf("the banner does not say %q:\n%s", want, banner)
		}
	}
	if status, answer := curl(t, lineAfter(t, banner, "Ring a phone, from another terminal:")); status != http.StatusAccepted {
		t.Fatalf("the event was answered %d %v", status, answer)
	}
	at := out.await(t, len(banner), "Ana's iPhone")
	at = out.await(t, at, "RINGS through silent mode")
	at = out.await(t, at, "Checkout error rate at 12 %")
	ben := out.await(t, at, "Ben's Pixel")
	at = out.await(t, ben, "Resolve:\n")
	out.await(t, at, "}'\n")
	status, answer := curl(t, lineAfter(t, out.String()[ben:], "Acknowledge:"))
	if status != http.StatusOK || answer["changed"] != true {
		t.Fatalf("the button was answered %d %v", status, answer)
	}
	out.await(t, ben, "#1 acknowledged by Ben Ode; nobody is paged any more")
	at = out.await(t, at, "Ana's iPhone")
	at = out.await(t, at, "quietly rewrites the notification above")
	out.await(t, at, "Acknowledged by Ben")
	stopDemo(t, d)
	if _, err := os.Stat(d.scratch); err == nil {
		t.Error("the temporary directory was left behind")
	}
}

func TestAKeptDemoStartsAgain(t *testing.T) {
	data := t.TempDir()
	for range 2 {
		d, out := startDemo(t, Config{Data: data})
		if !strings.Contains(out.String(), data) {
			t.Error("the banner does not say where the data is")
		}
		stopDemo(t, d)
	}
}

func TestADemoThatCannotStartLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Setenv("TMPDIR", t.TempDir())
	first, _ := startDemo(t, Config{})
	defer stopDemo(t, first)
	second := New(Config{Listen: first.node.Addr(), Out: io.Discard})
	err := second.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "already in use") {
		t.Errorf("a second demo on the same port: %v", err)
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) != 1 { // the first one's
		t.Errorf("left behind: %v", left)
	}
}

// TestThePrintedCurlIsShell runs a banner's line through a real shell, since
// quoting is easily got wrong. Where there is no sh there is nothing to check.
func TestThePrintedCurlIsShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh on this machine")
	}
	line := eventCurl("http://127.0.0.1:1", "trigger")
	out, err := exec.CommandContext(t.Context(), sh, "-c", "curl() { printf '%s\\n' \"$@\"; }; "+line).Output()
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	var event map[string]any
	if len(args) != 6 || json.Unmarshal([]byte(args[5]), &event) != nil || event["event_action"] != "trigger" {
		t.Errorf("the shell sees %q", args)
	}
}
