package demo

import (
	"strings"
	"unicode"
)

// width is how many columns a terminal gives the text: nothing for combining
// marks, two for East Asian characters and emoji. It is good enough to close
// a box, which is all it is for.
func width(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) || r == '\u200d' || r == '\ufe0f':
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	default:
		return 1
	}
}

// wrap breaks text into lines of at most columns, at spaces where it can. A
// terminal's control characters become spaces: a page's title comes from
// outside and must not move the cursor.
func wrap(text string, columns int) []string {
	var lines []string
	line, used := "", 0
	flush := func() { lines = append(lines, line); line, used = "", 0 }
	for word := range strings.FieldsSeq(strings.Map(printable, text)) {
		if used > 0 && used+1+width(word) > columns {
			flush()
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		for _, r := range word {
			if used+runeWidth(r) > columns {
				flush()
			}
			line, used = line+string(r), used+runeWidth(r)
		}
	}
	if used > 0 {
		flush()
	}
	return lines
}

func printable(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
		return ' '
	}
	return r
}
