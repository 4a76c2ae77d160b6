package push

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nightbell/nightbell/incident"
)

// Limits of the texts before any budget is looked at, in bytes. Phones show
// about 180 characters of a title and four lines of a body.
const (
	maxTitle   = 180
	maxService = 80
	maxName    = 60
	maxBody    = 1000
	// maxLines is how many incidents a digest names.
	maxLines = 5
)

// wording is what the person reads.
type wording struct {
	title    string
	subtitle string
	body     string
}

// writer writes for one person: in their language and their zone.
type writer struct {
	*Language
	zone *time.Location // nil: unknown, so UTC
}

// writer finds the person's language (what the device says goes before what
// the person says, as it is what they read now) and zone.
func (c *Composer) writer(j *Job) writer {
	return writer{c.words().In(j.Device.Locale, j.Content.Locale), c.zones.find(j.Content.TimeZone)}
}

// words writes the notification for a person who was just woken: first what
// is wrong, or, on a settle, that it is taken care of.
func (w writer) words(j *Job) wording {
	about := j.Delivery.About
	if about == nil {
		about = &About{}
	}
	switch j.Delivery.Kind {
	case Digest:
		return w.digest(*about)
	case Test:
		return w.test(*about)
	case Notice:
		return w.notice(*about)
	case Probe:
		return wording{}
	case Settle:
		number := "#" + strconv.FormatInt(j.Content.Number, 10)
		return wording{
			title: w.settled(j), subtitle: cut(clean(j.Content.ServiceName), maxService),
			body: cut(number+" · "+w.what(j.Content), maxBody),
		}
	}
	return w.page(j.Content)
}

// what is the incident's title; an incident without one has its number.
func (w writer) what(t Content) string {
	if what := clean(t.Title); what != "" {
		return what
	}
	return w.Say("incident", "number", strconv.FormatInt(t.Number, 10))
}

func (w writer) page(t Content) wording {
	what := w.what(t)
	out := wording{title: cut(what, maxTitle), subtitle: cut(clean(t.ServiceName), maxService)}
	out.body = "#" + strconv.FormatInt(t.Number, 10) + " · " + w.Severity(t.Severity)
	if clock := w.Clock(t.ChangedAt, w.zone); clock != "" {
		out.body += " · " + w.Status(t.Status) + " " + clock
	}
	if out.title != what { // the whole of a long title is read in the body
		out.body = cut(out.body+"\n"+what, maxBody)
	}
	return out
}

// settled is the title of a notification that no longer asks for anything:
// "Acknowledged by Ana 02:14".
func (w writer) settled(j *Job) string {
	key, t := "settled.resolved", j.Content
	switch {
	case j.escalatedAway():
		return w.Say("settled.escalated", "time", w.Clock(t.ChangedAt, w.zone))
	case t.Reassigned:
		return w.Say("settled.reassigned", "time", w.Clock(t.ChangedAt, w.zone))
	case t.Status == incident.Acknowledged:
		key = "settled.acknowledged"
	}
	by := cut(clean(t.By), maxName)
	if by != "" {
		key += "_by"
	}
	return w.Say(key, "name", by, "time", w.Clock(t.ChangedAt, w.zone))
}

// digest tells a phone that was off what is open now, the worst first.
func (w writer) digest(a About) wording {
	out := wording{title: w.open(a.Count)}
	lines := a.Lines[:min(len(a.Lines), maxLines)]
	for _, line := range lines {
		if line = cut(clean(line), maxTitle); line != "" {
			out.body += line + "\n"
		}
	}
	if left := a.Count - len(lines); left > 0 && len(lines) > 0 {
		out.body += w.Say("digest.more", "count", strconv.Itoa(left))
	}
	out.body = cut(strings.TrimSpace(out.body), maxBody)
	return out
}

func (w writer) open(n int) string {
	if n == 1 {
		return w.Say("digest.one")
	}
	return w.Say("digest.many", "count", strconv.Itoa(n))
}

func (w writer) test(a About) wording {
	if a.Loud {
		return wording{title: w.Say("test.title"), body: w.Say("test.loud")}
	}
	return wording{title: w.Say("test.title"), body: w.Say("test.quiet")}
}

// notice tells a person something about themselves, or, of somebody who
// cannot be paged, those who can help.
func (w writer) notice(a About) wording {
	who, what := cut(clean(a.Who), maxName), cut(clean(a.What), maxTitle)
	switch a.Topic {
	case TopicShiftStarts, TopicShiftEnds:
		return wording{title: w.Say("notice."+a.Topic, "time", w.Moment(a.At, w.zone)), body: what}
	case TopicUnpageable:
		out := wording{title: w.Say("notice.unpageable_you"), body: cut(clean(a.What), maxBody)}
		if out.body == "" {
			out.body = w.Say("notice.unpageable_body")
		}
		if !a.At.IsZero() {
			out.subtitle = w.Say("notice.on_call_from", "time", w.Moment(a.At, w.zone))
		}
		if who != "" {
			out.title = w.Say("notice.unpageable", "name", who)
		}
		return out
	}
	out := wording{title: w.Say("notice.other"), subtitle: who, body: what}
	if clock := w.Moment(a.At, w.zone); clock != "" {
		out.body = strings.TrimSpace(out.body + " " + clock)
	}
	return out
}

// withheld is what a phone shows when nothing of what happened may leave this
// server: that there is something, and where it stands.
func (w writer) withheld(j *Job) wording {
	switch j.Delivery.Kind {
	case Settle:
		nameless := *j
		nameless.Content.By = ""
		return wording{title: w.settled(&nameless)}
	case Digest:
		if a := j.Delivery.About; a != nil {
			return wording{title: w.open(a.Count)}
		}
	case Test:
		return w.words(j)
	case Notice:
		return wording{title: w.Say("private.notice")}
	case Update:
		return wording{title: w.Say("private.update")}
	case Probe:
		return wording{}
	}
	return wording{title: w.Say("private.page")}
}

// clean makes any bytes fit for a phone: valid UTF-8 on one line, without
// control characters and without the overrides that turn text around.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || r == '\u202D' || r == '\u202E':
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

const ellipsis = "…"

// cut shortens s to at most n bytes, on a rune boundary, and shows that it did
// where there is room to.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if n < len(ellipsis) {
		return ""
	}
	end := n - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.TrimRight(s[:end], " ") + ellipsis
}
