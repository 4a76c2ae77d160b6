//go:build sdk

// Package sdk proves that SDKs generated from openapi.yaml work: two
// independent generators, login → list → acknowledge against the server.
// `make sdk` runs it; it needs Node and npm.
package sdk

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/test/stage"
)

func TestMain(m *testing.M) {
	code := m.Run()
	stage.Clean()
	os.Exit(code)
}

func TestGeneratedSDKs(t *testing.T) {
	// Left behind, it would be a program without a main in every other build.
	t.Cleanup(func() { _ = os.Remove("golang/client.gen.go") })
	s := stage.New(t, modelstest.SQLite(t), stage.Options{})
	s.Start("")
	for _, c := range []struct {
		name string
		make [][]string
		dir  string
		run  []string
	}{
		{"go", [][]string{{"go", "tool", "-modfile=tools/go.mod", "oapi-codegen", "-config", "test/sdk/golang/oapi.yaml", "openapi.yaml"}}, "../..",
			[]string{"go", "run", "-tags", "sdk", "./test/sdk/golang"}},
		{"typescript", [][]string{{"npm", "ci", "--no-audit", "--no-fund"}, {"npx", "openapi-ts"}, {"npx", "tsc"}}, "ts",
			[]string{"node", "out/main.js"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, step := range c.make {
				command(t, c.dir, step)
			}
			s.Trigger("sdk-"+c.name, "Seen by the "+c.name+" SDK")
			out := command(t, c.dir, append(c.run, s.URL, "ana@example.com", stage.Password))
			if !strings.Contains(out, "acknowledged #") || !strings.Contains(out, "as Ana") {
				t.Errorf("the SDK said %q", out)
			}
			t.Log(strings.TrimSpace(out))
		})
	}
}

func command(t *testing.T, dir string, args []string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
