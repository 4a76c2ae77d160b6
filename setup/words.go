package setup

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxName   = 120 // characters
	maxEmail  = 254 // bytes, RFC 5321
	maxLocale = 35  // bytes, RFC 5646 §4.4.1
	maxZone   = 64
)

// word reads one of a few words.
func word[T ~string](v value, allowed ...T) T {
	if !v.given() {
		return ""
	}
	t := T(v.text())
	if t != "" && !slices.Contains(allowed, t) {
		list := make([]string, len(allowed))
		for i, a := range allowed {
			list[i] = string(a)
		}
		v.wrong("%q is not one of %s", t, strings.Join(list, ", "))
		return ""
	}
	return t
}

// name reads one line of text without outer space or control characters.
func (v value) name() string {
	s := v.text()
	trimmed := strings.TrimSpace(s)
	switch {
	case s == "":
		return ""
	case trimmed == "":
		v.wrong("it is only space; give it a name")
	case utf8.RuneCountInString(trimmed) > maxName:
		v.wrong("it has more than %d characters; shorten it", maxName)
	case strings.ContainsFunc(trimmed, unicode.IsControl):
		v.wrong("it has line breaks or control characters; a name is one line of text")
	default:
		return trimmed
	}
	return ""
}

// email reads a bare address and gives it in lower case.
func (v value) email() string {
	s := v.text()
	if s == "" {
		return ""
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > maxEmail || strings.ContainsFunc(s, unicode.IsControl) {
		v.wrong("%q is not an e-mail address; write it like ana@example.com", clip(s))
		return ""
	}
	return strings.ToLower(s)
}

func (v value) person() Ref { return Ref{Name: v.email(), at: v.at} }

func (v value) ref() Ref {
	if !v.given() {
		return Ref{at: v.at}
	}
	return Ref{Name: v.name(), at: v.at}
}

// zone reads an IANA time zone.
func (v value) zone() string {
	s := v.text()
	if s == "" {
		return ""
	}
	if _, err := time.LoadLocation(s); err != nil || s == "Local" || len(s) > maxZone {
		v.wrong("%q is not a known time zone; use an IANA name like Europe/Madrid or UTC", clip(s))
		return ""
	}
	return s
}

var localeForm = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// locale reads a BCP 47 language tag, by its form.
func (v value) locale() string {
	s := v.text()
	if s != "" && (len(s) > maxLocale || !localeForm.MatchString(s)) {
		v.wrong("%q is not a language tag; write it like en or pt-BR", clip(s))
		return ""
	}
	return s
}

var routingKeyForm = regexp.MustCompile(`^[a-z0-9]{32}$`)

func (v value) routingKey() string {
	s := v.text()
	if s != "" && !routingKeyForm.MatchString(s) {
		v.wrong("a routing key is 32 characters, each a-z or 0-9; leave it out and one will be made")
		return ""
	}
	return s
}

// clip keeps a quoted mistake short.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
