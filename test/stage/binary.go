package stage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
)

// build makes the binary once per test process; the build cache makes that
// quick. It carries the crash points, which are empty in every other build.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "nightbell-stage-")
	if err != nil {
		return "", err
	}
	built.Store(&dir)
	bin := filepath.Join(dir, "nightbell")
	_, here, _, _ := runtime.Caller(0)
	cmd := exec.Command("go", "build", "-tags", "crashpoints", "-ldflags", "-s -w", "-o", bin, "./cmd/nightbell")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does
	cmd.Dir = filepath.Join(filepath.Dir(here), "..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building nightbell: %w\n%s", err, out)
	}
	return bin, nil
})

// built is where the binary was put, nil while nobody asked for it.
var built atomic.Pointer[string]

// Clean removes the binary, if there is one; call it from TestMain.
func Clean() {
	if dir := built.Load(); dir != nil {
		_ = os.RemoveAll(*dir)
	}
}
