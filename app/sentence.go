package app

import (
	"errors"
	"slices"
	"strings"

	"github.com/nightbell/nightbell/setup"
)

// Sentence is an error as a command tells it: one line, but for lists of
// problems. Drivers like to explain themselves over several lines, and to
// repeat themselves.
func Sentence(err error) string {
	var ours Problems
	var theirs *setup.Problems
	if errors.As(err, &ours) || errors.As(err, &theirs) {
		return err.Error()
	}
	var parts []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(parts, line) {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, " | ")
}
