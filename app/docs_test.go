package app

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// metricsInCode finds the names given to package meter anywhere in the house.
func metricsInCode(t *testing.T) []string {
	t.Helper()
	registered := regexp.MustCompile(`\.(?:Counter|Gauge|Seconds)\(\s*"(nightbell_[a-z_]+)"`)
	var names []string
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range registered.FindAllStringSubmatch(readText(t, path), -1) {
			names = append(names, m[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestTheManualListsTheMetrics compares docs/operations.md with the code, in
// both directions.
func TestTheManualListsTheMetrics(t *testing.T) {
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(nightbell_[a-z_]+)`").FindAllStringSubmatch(readText(t, "../docs/operations.md"), -1) {
		listed = append(listed, m[1])
	}
	inCode := metricsInCode(t)
	if len(inCode) < 20 {
		t.Fatalf("found only %v in the code; has package meter changed?", inCode)
	}
	for _, name := range inCode {
		if !slices.Contains(listed, name) {
			t.Errorf("docs/operations.md lacks %s", name)
		}
	}
	for _, name := range listed {
		if !slices.Contains(inCode, name) {
			t.Errorf("docs/operations.md lists %s, which nothing counts", name)
		}
	}
}
