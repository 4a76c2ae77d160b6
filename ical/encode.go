package ical

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"

	"github.com/nightbell/nightbell/oncall"
)

// Feed is a calendar of shifts.
type Feed struct {
	// ID is the schedule's or the person's: entries are told apart by it.
	ID string
	// Name is what the calendar is called, as people see it.
	Name string
	// TimeZone is an IANA name in which applications may show it; the times
	// themselves are in UTC, and right anywhere.
	TimeZone string
	// At is when the feed was made.
	At      time.Time
	Entries []Entry
}

// Entry is one shift in a feed.
type Entry struct {
	oncall.Shift
	Title string // "Ana Lima on call: Primary"
	Note  string
}

// refreshEvery is how often applications are asked to look again. Many decide
// for themselves.
const refreshEvery = "PT15M"

// Encode writes a feed. An entry keeps its UID for as long as its person and
// its ends stay the same, so who draws a feed should begin its range at a fixed
// moment (the start of a month), not at now.
func Encode(f Feed) []byte {
	cal := ics.NewCalendarFor("Nightbell")
	cal.SetMethod(ics.MethodPublish)
	cal.SetName(text(f.Name))
	cal.SetXWRCalName(text(f.Name))
	cal.SetXWRTimezone(text(f.TimeZone))
	cal.SetRefreshInterval(refreshEvery)
	cal.SetXPublishedTTL(refreshEvery)
	for _, e := range f.Entries {
		event := cal.AddEvent(fmt.Sprintf("%s-%s-%d-%d@nightbell", text(f.ID), text(e.UserID), e.From.Unix(), unixOr0(e.To)))
		event.SetDtStampTime(f.At)
		event.SetStartAt(e.From)
		if !e.To.IsZero() {
			event.SetEndAt(e.To)
		}
		event.SetSummary(text(e.Title))
		if e.Note != "" {
			event.SetDescription(text(e.Note))
		}
		// Being on call does not make a person busy.
		event.SetTimeTransparency(ics.TransparencyTransparent)
	}
	return []byte(cal.Serialize(ics.WithNewLineWindows))
}

func unixOr0(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// text takes out control characters: a carriage return would begin a line of
// its own. Line breaks are escaped by the library.
func text(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}
