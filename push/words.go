package push

import (
	"strconv"
	"strings"
	"sync"
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
)

// wording is what the person reads.
type wording struct {
	title    string
	subtitle string
	body     string
}

// words writes the notification for a person who was just woken: first what
// is wrong, or, on a settle, that it is taken care of.
func (c *Composer) words(j Job) wording {
	what := clean(j.Content.Title)
	if what == "" {
		what = "Incident #" + strconv.FormatInt(j.Content.Number, 10)
	}
	w := wording{subtitle: cut(clean(j.Content.ServiceName), maxService)}
	number := "#" + strconv.FormatInt(j.Content.Number, 10)
	if j.Delivery.Kind == Settle {
		w.title = c.settled(j.Content)
		w.body = cut(number+" · "+what, maxBody)
		return w
	}
	w.title = cut(what, maxTitle)
	w.body = number + " · " + string(j.Content.Severity)
	if clock := c.clock(j.Content); clock != "" {
		w.body += " · " + string(j.Content.Status) + " " + clock
	}
	if w.title != what { // the whole of a long title is read in the body
		w.body = cut(w.body+"\n"+what, maxBody)
	}
	return w
}

// settled is the title of a notification that no longer asks for anything:
// "Acknowledged by Ana 02:14".
func (c *Composer) settled(t Content) string {
	verb := "Resolved"
	switch {
	case t.Reassigned:
		return join("Handed to somebody else", c.clock(t))
	case t.Status == incident.Acknowledged:
		verb = "Acknowledged"
	}
	if by := cut(clean(t.By), maxName); by != "" {
		verb += " by " + by
	}
	return join(verb, c.clock(t))
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + " " + b
}

// clock writes when the status was reached, in the person's own zone if it is
// known, else in UTC and says so. Empty when there is no time.
func (c *Composer) clock(t Content) string {
	if t.ChangedAt.IsZero() {
		return ""
	}
	if zone := c.zones.find(t.TimeZone); zone != nil {
		return t.ChangedAt.In(zone).Format("15:04")
	}
	return t.ChangedAt.UTC().Format("15:04 UTC")
}

// zones remembers loaded time zones, because loading one reads a file.
type zones struct{ known sync.Map }

// maxZoneName is longer than any zone's name. Only names that load are
// remembered, and the world has about 600 of them.
const maxZoneName = 64

// find gives the zone, nil when the name is empty or unknown.
func (z *zones) find(name string) *time.Location {
	if name == "" || len(name) > maxZoneName {
		return nil
	}
	if loc, ok := z.known.Load(name); ok {
		return loc.(*time.Location)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	z.known.Store(name, loc)
	return loc
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
