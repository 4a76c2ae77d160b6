//go:build chromium

package chromium

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// browse opens the page in a headless Chromium with a new profile in which
// pages may notify, and closes it with the test.
func browse(t *testing.T, g *gcm, page string) *bytes.Buffer {
	t.Helper()
	bin, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium on this machine; install it (Debian: apt-get install -y chromium)")
	}
	profile := t.TempDir()
	if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	const allowed = `{"profile":{"default_content_setting_values":{"notifications":1}}}`
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(allowed), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bin,
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir="+profile,
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
		"--gcm-checkin-url="+g.web.URL+"/checkin", "--gcm-registration-url="+g.web.URL+"/register",
		"--gcm-mcs-endpoint=https://"+g.mcs.Addr().String(), "--ignore-certificate-errors-spki-list="+g.spki(),
		"--enable-logging=stderr", "--v=0", page)
	log := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Chromium is many processes
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what did not listen
		if t.Failed() {
			t.Logf("Chromium said:\n%s", log.Bytes()[:min(log.Len(), 8<<10)])
		}
	})
	return log
}
