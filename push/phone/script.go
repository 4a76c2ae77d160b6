package phone

import (
	"encoding/xml"
	"strings"
)

// Script is what a call says, and what it listens for.
type Script struct {
	Language string // of the voice, such as en-US; empty: the carrier's own
	Says     []string
	// Listen is the address that gets the digit; empty: nothing is asked. Asks
	// is said while it is awaited, twice.
	Listen string
	Asks   string
	Bye    string
}

// TwiML writes the script in Twilio's XML.
func (s Script) TwiML() string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Response>")
	if s.Listen == "" {
		s.say(&b, s.Says...)
	} else {
		for range 2 { // somebody who was just woken may not have listened
			b.WriteString(`<Gather numDigits="1" timeout="8" method="POST" action="` + escaped(s.Listen) + `">`)
			s.say(&b, append(s.Says[:len(s.Says):len(s.Says)], s.Asks)...)
			b.WriteString(`</Gather>`)
		}
	}
	s.say(&b, s.Bye)
	b.WriteString("<Hangup/></Response>\n")
	return b.String()
}

func (s Script) say(b *strings.Builder, texts ...string) {
	for _, t := range texts {
		if t == "" {
			continue
		}
		b.WriteString("<Say")
		if s.Language != "" {
			b.WriteString(` language="` + escaped(s.Language) + `"`)
		}
		b.WriteString(">" + escaped(t) + "</Say>")
	}
}

// escaped makes any text fit for XML.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}

// Reply is the TwiML that answers a text message; empty: with nothing.
func Reply(text string) string {
	if text != "" {
		text = "<Message>" + escaped(text) + "</Message>"
	}
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Response>" + text + "</Response>\n"
}
