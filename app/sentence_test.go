package app

import (
	"errors"
	"fmt"
	"testing"
)

func TestAnErrorIsToldOnOneLine(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{errors.New("plain"), "plain"},
		{errors.New("cannot be reached:\n\t127.0.0.1:1: refused\n\t127.0.0.1:1: refused\n"), "cannot be reached: | 127.0.0.1:1: refused"},
		{errors.Join(errors.New("first"), errors.New("second")), "first | second"},
		{fmt.Errorf("starting: %w", Problems{"a", "b"}), "starting: the configuration has 2 problems:\n  - a\n  - b"},
	} {
		if got := Sentence(tc.err); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}
