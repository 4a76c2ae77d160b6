package ical_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/ical"
	"github.com/nightbell/nightbell/oncall"
)

func moment(t testing.TB, s string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func feed(t testing.TB, title string) ical.Feed {
	return ical.Feed{
		ID: "sch_1", Name: "Primary", TimeZone: "Europe/Madrid", At: moment(t, "2026-01-01T00:00:00Z"),
		Entries: []ical.Entry{
			{Shift: oncall.Shift{UserID: "usr_1", From: moment(t, "2026-01-05T09:00:00+01:00"), To: moment(t, "2026-01-12T09:00:00+01:00")}, Title: title},
			{Shift: oncall.Shift{UserID: "usr_2", From: moment(t, "2026-01-12T08:00:00Z")}, Title: "Ben", Note: "until further notice"},
		},
	}
}

func TestAFeed(t *testing.T) {
	want := strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Nightbell//Golang ICS Library", "METHOD:PUBLISH", "NAME:Primary", "X-WR-CALNAME:Primary",
		"X-WR-TIMEZONE:Europe/Madrid", "REFRESH-INTERVAL;VALUE=DURATION:PT15M", "X-PUBLISHED-TTL:PT15M",
		"BEGIN:VEVENT", "UID:sch_1-usr_1-1767600000-1768204800@nightbell", "DTSTAMP:20260101T000000Z", "DTSTART:20260105T080000Z", "DTEND:20260112T080000Z",
		"SUMMARY:Ana Lima on call: Primary", "TRANSP:TRANSPARENT", "END:VEVENT",
		"BEGIN:VEVENT", "UID:sch_1-usr_2-1768204800-0@nightbell", "DTSTAMP:20260101T000000Z", "DTSTART:20260112T080000Z",
		"SUMMARY:Ben", "DESCRIPTION:until further notice", "TRANSP:TRANSPARENT", "END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
	if diff := cmp.Diff(want, string(ical.Encode(feed(t, "Ana Lima on call: Primary")))); diff != "" {
		t.Error(diff)
	}
}

// TestNobodysNameBreaksAFeed: lines are at most 75 bytes, end properly and stay
// UTF-8, and a name cannot write properties of its own.
func TestNobodysNameBreaksAFeed(t *testing.T) {
	for _, title := range []string{
		strings.Repeat("Ünïcödé 🔔 ", 40), "a\r\nATTENDEE:mailto:eve@example.com", "a\rb\x00c", "semi;colon, comma\\ and\nbreak", "\xff\xfe", "",
	} {
		out := string(ical.Encode(feed(t, title)))
		for line := range strings.SplitSeq(strings.TrimSuffix(out, "\r\n"), "\r\n") {
			if len(line) > 75 || strings.ContainsAny(line, "\r\n\x00") || !strings.HasPrefix(line, " ") && strings.HasPrefix(line, "ATTENDEE") || strings.ToValidUTF8(line, "") != line {
				t.Errorf("%q gives the line %q", title, line)
			}
		}
		back, err := ical.Decode([]byte(out), "UTC")
		if err != nil || len(back.Shifts) != 1 || len(back.Skipped) != 1 {
			t.Errorf("%q: read back %+v, %v", title, back, err)
		}
	}
}

// TestAFeedReadBack is the same shifts.
func TestAFeedReadBack(t *testing.T) {
	f := feed(t, "Ana")
	f.Entries = f.Entries[:1]
	back, err := ical.Decode(ical.Encode(f), "Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	want := ical.Import{Name: "Primary", Shifts: []ical.Shift{{UID: "sch_1-usr_1-1767600000-1768204800@nightbell", Event: oncall.Event{
		Name: "Ana", Start: f.Entries[0].From.UTC(), End: f.Entries[0].To.UTC(), TimeZone: "UTC", Strategy: oncall.Every,
	}}}}
	if diff := cmp.Diff(want, back); diff != "" {
		t.Error(diff)
	}
}
