package fault

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestKindSurvivesWrapping(t *testing.T) {
	base := Wrap(io.ErrUnexpectedEOF, Invalid, "bad_body", "The body ends too early; send all of it.")
	err := fmt.Errorf("decoding: %w", base)
	if KindOf(err) != Invalid || !Is(err, "bad_body") || Is(err, "other") {
		t.Errorf("kind %v or code lost in %v", KindOf(err), err)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	var f *Error
	if !errors.As(err, &f) || f.Message != "The body ends too early; send all of it." {
		t.Errorf("the sentence for people holds more than it should: %q", f.Message)
	}
}

func TestOtherErrorsAreInternal(t *testing.T) {
	if KindOf(io.EOF) != Internal || Is(nil, "x") {
		t.Error("an error of no kind must count as ours")
	}
}

func TestFieldIsInvalid(t *testing.T) {
	if e := Field("limit", "bad_limit", "limit is %d; use 1 to 100", 0); e.Kind != Invalid || e.Field != "limit" || e.Error() != "limit is 0; use 1 to 100" {
		t.Errorf("got %+v", e)
	}
}

func TestEveryKindHasItsOwnName(t *testing.T) {
	seen := map[string]Kind{}
	for k := Internal; k <= Unavailable; k++ {
		if other, dup := seen[k.String()]; dup {
			t.Errorf("kinds %d and %d are both called %q", other, k, k)
		}
		seen[k.String()] = k
	}
}
