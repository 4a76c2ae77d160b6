package id

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nightbell/nightbell/fault"
)

func TestIdsSortByBirth(t *testing.T) {
	var ids []string
	for range 10_000 {
		ids = append(ids, New(Incident))
	}
	if !slices.IsSorted(ids) {
		t.Error("ids minted in a row do not sort in that order")
	}
	if len(slices.Compact(ids)) != 10_000 {
		t.Error("two ids are equal")
	}
}

func TestIdsAreUniqueAcrossGoroutines(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				s := New(Delivery)
				mu.Lock()
				if seen[s] {
					t.Errorf("%s was minted twice", s)
				}
				seen[s] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestCheckSaysWhatItWasGiven(t *testing.T) {
	good := New(Incident)
	for _, c := range []struct{ in, code, says string }{
		{good, "", ""},
		{New(Device), "wrong_id", "got a device id"},
		{"", "bad_id", "inc_"},
		{"inc_", "bad_id", "26 characters"},
		{"inc_../../etc/passwd", "bad_id", "26 characters"},
		{strings.ToLower(good), "bad_id", "26 characters"},
		{good + "0", "bad_id", "26 characters"},
		{"xyz_" + good[4:], "bad_id", "inc_"},
		{"inc_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "bad_id", "26 characters"}, // overflows 128 bits
	} {
		err := Check(Incident, c.in)
		if c.code == "" {
			if err != nil {
				t.Errorf("Check(%q) = %v", c.in, err)
			}
			continue
		}
		if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Check(%q) = %v, want %s saying %q", c.in, err, c.code, c.says)
		}
	}
}

func TestADeliveryHasOneIdentityUnderBothSpellings(t *testing.T) {
	d := New(Delivery)
	u := UUID(d)
	if len(u) != 36 || u != strings.ToLower(u) {
		t.Errorf("UUID(%s) = %q, want a lower-case UUID", d, u)
	}
	back, err := FromUUID(Delivery, u)
	if err != nil || back != d {
		t.Errorf("FromUUID(%s) = %s, %v, want %s", u, back, err, d)
	}
	if UUID("dlv_nonsense") != "" {
		t.Error("a malformed id has a UUID")
	}
	if _, err := FromUUID(Delivery, "nonsense"); !fault.Is(err, "bad_id") {
		t.Errorf("FromUUID of nonsense: %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(New(Incident))
	f.Add("inc_01ARZ3NDEKTSV4RRFFQ69G5FAV")
	f.Add("dev_")
	f.Fuzz(func(t *testing.T, s string) {
		if Check(Incident, s) == nil {
			back, err := FromUUID(Incident, UUID(s))
			if err != nil || back != s {
				t.Errorf("%q passed Check but does not survive its UUID: %q, %v", s, back, err)
			}
		}
	})
}
