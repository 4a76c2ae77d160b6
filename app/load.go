package app

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Sources are the places a configuration comes from, weakest first: the
// defaults, File, Environ, Flags.
type Sources struct {
	// File is the YAML file's path; empty means there is none.
	File string
	// Environ is the environment as os.Environ gives it. Names that begin with
	// NIGHTBELL_ and mean nothing are refused.
	Environ []string
	// Flags are values by setting key, such as "log.level".
	Flags map[string]string
}

// Problems is why a configuration cannot be used: all reasons at once, one
// sentence each, so that an operator repairs it in one go.
type Problems []string

// Error lists the problems, one a line.
func (p Problems) Error() string {
	if len(p) == 1 {
		return "the configuration cannot be used: " + p[0]
	}
	return fmt.Sprintf("the configuration has %d problems:\n  - %s", len(p), strings.Join(p, "\n  - "))
}

// Load merges the sources, reads the secrets kept in files and validates the
// result. The error is [Problems], or trouble reading the file.
func Load(from Sources) (Config, error) {
	c := Defaults()
	var problems Problems
	if from.File != "" {
		text, err := readBounded(from.File, maxConfigFile)
		if err != nil {
			return c, fmt.Errorf("reading the configuration file: %w; check --config or NIGHTBELL_CONFIG", err)
		}
		problems = decodeYAML(text, &c)
		for i := range problems {
			problems[i] = from.File + ": " + problems[i]
		}
	}
	problems = append(problems, applyEnviron(&c, from.Environ)...)
	problems = append(problems, applyFlags(&c, from.Flags)...)
	problems = append(problems, readSecretFiles(&c)...)
	problems = append(problems, c.problems()...)
	if len(problems) > 0 {
		return c, problems
	}
	return c, nil
}

// applyEnviron sets what NIGHTBELL_* variables say. An empty variable counts
// as absent: compose files pass on unset variables that way.
func applyEnviron(c *Config, environ []string) Problems {
	var problems Problems
	settings := Settings()
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || value == "" || foreignEnv(name) {
			continue
		}
		i := slices.IndexFunc(settings, func(s Setting) bool { return s.Env == name })
		if i < 0 {
			problems = append(problems, fmt.Sprintf("environment: unknown variable %s%s", name, didYouMean(name, envNames(settings))))
			continue
		}
		if err := settings[i].set(c, value); err != nil {
			problems = append(problems, fmt.Sprintf("environment: %s: %s", name, hideSecret(settings[i], err)))
		}
	}
	slices.Sort(problems) // the environment has no order worth keeping
	return problems
}

// foreignEnv reports names in our prefix that are not meant for the
// configuration: the configuration file's own, those of the tests, and those that
// Kubernetes injects for a Service called "nightbell".
func foreignEnv(name string) bool {
	rest := strings.TrimPrefix(name, envPrefix)
	return rest == "CONFIG" || rest == "REQUIRE_POSTGRES" || strings.HasPrefix(rest, "TEST_") ||
		rest == "PORT" || strings.HasPrefix(rest, "PORT_") || strings.HasPrefix(rest, "SERVICE_")
}

func envNames(settings []Setting) []string {
	names := []string{envPrefix + "CONFIG"}
	for _, s := range settings {
		if s.Env != "" {
			names = append(names, s.Env)
		}
	}
	return names
}

// applyFlags sets what the command line says.
func applyFlags(c *Config, flags map[string]string) Problems {
	var problems Problems
	settings := Settings()
	for key, value := range flags {
		i := slices.IndexFunc(settings, func(s Setting) bool { return s.Key == key })
		if i < 0 {
			problems = append(problems, fmt.Sprintf("command line: unknown setting %s%s", key, didYouMean(key, keysOf(settings))))
			continue
		}
		if err := settings[i].set(c, value); err != nil {
			problems = append(problems, fmt.Sprintf("command line: %s: %s", key, hideSecret(settings[i], err)))
		}
	}
	slices.Sort(problems)
	return problems
}

func keysOf(settings []Setting) []string {
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = s.Key
	}
	return keys
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAllBounded(f, path, limit)
}
