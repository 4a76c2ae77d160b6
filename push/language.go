package push

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/language"

	"github.com/nightbell/nightbell/incident"
)

// Words are the languages we speak to people in: those built in (words/*.json)
// and those an operator has added. It is immutable and safe for concurrent use.
type Words struct {
	matcher   language.Matcher
	languages []*Language // the matcher's, in its order; the first is English
	// known remembers what a locale led to, because matching costs more than
	// the rest of a message. Locales come from devices, so it is bounded.
	known  sync.Map
	memory atomic.Int64
}

const (
	maxLocale       = 35
	maxKnownLocales = 1000
)

// In gives the language of the first locale (BCP 47: de-AT, es-419) that there
// is one for, coming down from the special to the general; English for none.
func (w *Words) In(locales ...string) *Language {
	for _, locale := range locales {
		if locale == "" || len(locale) > maxLocale {
			continue
		}
		if l := w.find(locale); l != nil {
			return l
		}
	}
	return w.languages[0]
}

// find gives the locale's language; nil when none is close enough to be
// understood without a thought.
func (w *Words) find(locale string) *Language {
	if l, ok := w.known.Load(locale); ok {
		return l.(*Language)
	}
	var found *Language
	if tag, err := language.Parse(locale); err == nil {
		if _, i, sure := w.matcher.Match(tag); sure >= language.High {
			found = w.languages[i]
		}
	}
	if w.memory.Add(1) <= maxKnownLocales {
		w.known.Store(locale, found)
	}
	return found
}

// Tags lists the languages there are.
func (w *Words) Tags() []string {
	tags := make([]string, len(w.languages))
	for i, l := range w.languages {
		tags[i] = l.tag
	}
	slices.Sort(tags)
	return tags
}

// Language is all we say to people, in one language.
type Language struct {
	tag     string
	clock   string
	titles  titles
	phrases map[string]phrase
}

// Tag is the language's BCP 47 tag.
func (l *Language) Tag() string { return l.tag }

// Say gives a phrase of the catalogue with its {placeholders} filled from
// pairs of name and value. A place without a value stays empty, and no space
// is left around it. An unknown key is a programmer's error and says itself.
func (l *Language) Say(key string, pairs ...string) string {
	p, ok := l.phrases[key]
	switch {
	case !ok:
		return key
	case len(p) == 1 && p[0].place == "":
		return p[0].text
	}
	return p.fill(pairs)
}

// Severity says how bad it is; a word we do not know is said as it came.
func (l *Language) Severity(s incident.Severity) string { return l.known("severity.", string(s)) }

// Status says where an incident stands.
func (l *Language) Status(s incident.Status) string { return l.known("status.", string(s)) }

func (l *Language) known(room, word string) string {
	if p, ok := l.phrases[room+word]; ok {
		return p.fill(nil)
	}
	return word
}

// Clock writes a moment as the time of day in the zone; without one in UTC,
// and says so. Empty when there is no moment.
func (l *Language) Clock(at time.Time, zone *time.Location) string {
	switch {
	case at.IsZero():
		return ""
	case zone == nil:
		return l.Say("utc", "time", at.UTC().Format(l.clock))
	}
	return at.In(zone).Format(l.clock)
}

// Moment is Clock with the day of the week, for what is not today's.
func (l *Language) Moment(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return ""
	}
	day := at.UTC()
	if zone != nil {
		day = at.In(zone)
	}
	return l.Say("day."+strings.ToLower(day.Weekday().String()), "time", l.Clock(at, zone))
}
