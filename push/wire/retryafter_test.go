package wire_test

import (
	"testing"
	"time"

	"github.com/nightbell/nightbell/push/wire"
)

var now = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "-3": 0, "soon": 0, "30": 30 * time.Second, " 7 ": 7 * time.Second,
		"999999999":                     24 * time.Hour,
		"Sun, 01 Mar 2026 02:01:30 GMT": 90 * time.Second,
		"Sun, 01 Mar 2026 01:00:00 GMT": 0,
		"Sun, 01 Mar 2099 01:00:00 GMT": 24 * time.Hour,
	} {
		if got := wire.RetryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("30")
	f.Add("Sun, 01 Mar 2026 02:01:30 GMT")
	f.Fuzz(func(t *testing.T, value string) {
		if d := wire.RetryAfter(value, now); d < 0 || d > 24*time.Hour {
			t.Fatalf("%q: %s", value, d)
		}
	})
}
