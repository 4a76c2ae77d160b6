package oncall_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/oncall"
)

// numbers reads a schedule out of a fuzzer's bytes; past their end all is 0.
type numbers struct{ left []byte }

func (n *numbers) below(most int64) int64 {
	var b [8]byte
	n.left = n.left[copy(b[:4], n.left):]
	return int64(binary.LittleEndian.Uint32(b[:4])) % most
}

func (n *numbers) layer(base time.Time) oncall.Layer {
	l := oncall.Layer{
		Start: base.Add(time.Duration(n.below(1e6)-5e5) * time.Minute), Turn: int(n.below(30)),
		Unit: []oncall.TurnUnit{oncall.Hours, oncall.Days, oncall.Weeks, ""}[n.below(4)], Users: []string{"a", "b", "c", "d"}[n.below(4):],
	}
	if n.below(2) == 0 {
		l.Until = l.Start.Add(time.Duration(n.below(1e6)) * time.Minute)
	}
	for range n.below(4) {
		l.Restrictions = append(l.Restrictions, oncall.Restriction{
			Cycle: []oncall.Cycle{oncall.Daily, oncall.Weekly, ""}[n.below(3)], Day: time.Weekday(n.below(8)),
			Start: time.Duration(n.below(86_500)) * time.Second, Length: time.Duration(n.below(700_000)) * time.Second,
		})
	}
	return l
}

// FuzzLayers: whatever the layers and overrides, and sound or not, rendering
// ends, nobody overlaps, and OnCall says what the rendering says.
func FuzzLayers(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("a few layers that mean nothing in particular, but for their number and their being there"))
	f.Add(slices.Repeat([]byte{1, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 7, 1, 0, 0}, 20))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := &numbers{data}
		base := time.Unix(1_100_000_000+n.below(1e9), 0).UTC()
		s := oncall.Schedule{TimeZone: eightZones[n.below(int64(len(eightZones)))]}
		for range 1 + n.below(5) {
			s.Layers = append(s.Layers, n.layer(base))
		}
		for k := range n.below(4) {
			from := base.Add(time.Duration(n.below(50_000)) * time.Minute)
			s.Overrides = append(s.Overrides, oncall.Override{
				UserID: []string{"x", "y", ""}[n.below(3)], Instead: []string{"", "a", "x"}[n.below(3)], From: from,
				To: from.Add(time.Duration(n.below(20_000)) * time.Minute), MadeAt: base.Add(time.Duration(k) * time.Second),
			})
		}
		refusedProperly(t, s.Validate())
		shifts, err := s.Shifts(base, base.Add(40*24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		end := base
		for _, shift := range shifts {
			if shift.UserID == "" || shift.From.Before(end) || !shift.To.After(shift.From) {
				t.Fatalf("%v overlaps what is before it, or is nothing", shift)
			}
			for _, m := range []time.Time{shift.From, shift.To.Add(-1)} {
				if got := s.OnCall(m); len(got) != 1 || got[0].UserID != shift.UserID {
					t.Fatalf("at %s: on call %v, rendered %v", m, got, shift)
				}
			}
			if shift.From.After(end) && len(s.OnCall(shift.From.Add(-1))) > 0 {
				t.Fatalf("somebody is on call in the gap before %v", shift)
			}
			end = shift.To
		}
	})
}

// FuzzRecurrence: any text is either refused with a sentence, or answers about
// moments near and far at once, in the order of time.
func FuzzRecurrence(f *testing.F) {
	for _, seed := range []string{
		"RRULE:FREQ=WEEKLY;BYDAY=MO,TU", "RRULE:FREQ=MONTHLY;BYDAY=-1SU;COUNT=3", "RRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=5", "RRULE:FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU",
		"RRULE:FREQ=DAILY;UNTIL=20270101", "RRULE:FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO,TU,WE,TH,FR", "RRULE:FREQ=SECONDLY", "RRULE:FREQ=DAILY\nEXDATE:20260101T090000",
		"RRULE:FREQ=YEARLY;BYYEARDAY=-366;BYMONTH=2", "RRULE:FREQ=DAILY;BYMONTH=2;BYDAY=MO;INTERVAL=7\nRDATE;TZID=UTC:20260101T090000Z", "RRULE:FREQ=;=", "RRULE:BYDAY=99XX",
	} {
		f.Add(seed, uint32(1_767_603_600))
	}
	f.Fuzz(func(t *testing.T, text string, start uint32) {
		e := event("a b c")
		e.Start = time.Unix(int64(start), 0).UTC()
		e.End = e.Start.Add(90 * time.Minute)
		e.Recurrence = strings.Split(text, "\n")
		if err := e.Validate("UTC"); err != nil {
			refusedProperly(t, err)
			return
		}
		s := shiftBased(e)
		for _, days := range []int{-1, 0, 1, 400, 4000, 36500} {
			m := e.Start.AddDate(0, 0, days)
			for _, shift := range s.OnCall(m) {
				if m.Before(shift.From) || !m.Before(shift.To) {
					t.Fatalf("at %s: %v does not hold the moment", m, shift)
				}
			}
		}
		shifts, err := s.Shifts(e.Start, e.Start.Add(60*24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		for k, shift := range shifts {
			if !shift.To.After(shift.From) || k > 0 && shift.From.Before(shifts[k-1].From) {
				t.Fatalf("%v is out of order", shift)
			}
		}
	})
}

// refusedProperly: a refusal is a fault of the caller, with a code, a place and
// a sentence.
func refusedProperly(t *testing.T, err error) {
	t.Helper()
	var f *fault.Error
	if err != nil && (!errors.As(err, &f) || f.Kind != fault.Invalid || f.Code == "" || f.Field == "" || f.Message == "") {
		t.Fatalf("refused with %#v", err)
	}
}
