package demo

import (
	"fmt"
	"strings"
)

// cardWidth is the inner width of a card: a card with its margin fits into 80
// columns.
const cardWidth = 70

// card is one notification as a phone's screen shows it.
type card struct {
	phone string // Ana's iPhone
	via   string // APNs, 02:14:05
	// headline says how it came and how hard it knocks: "rings through silence".
	headline string
	title    string
	lines    []string
	buttons  []button
	// quiet cards make no sound: settled or rewritten ones.
	quiet bool
}

// button is something that can be tapped, with the request behind it.
type button struct{ label, curl string }

// ink colours a terminal, or nothing.
type ink bool

const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (i ink) paint(code, text string) string {
	if !i || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// draw gives the card and, below it, what each button does.
func (c card) draw(i ink) string {
	var b strings.Builder
	frame, headline := red, red
	if c.quiet {
		frame, headline = dim, green
	}
	rule := cardWidth - width(c.phone) - width(c.via) - 2
	fmt.Fprintf(&b, "\n  %s %s %s %s %s\n", i.paint(frame, "╭─"), i.paint(bold, c.phone), i.paint(frame, strings.Repeat("─", max(1, rule))), i.paint(dim, c.via), i.paint(frame, "─╮"))
	row := func(code, text string) {
		for _, line := range wrap(text, cardWidth) {
			pad := strings.Repeat(" ", cardWidth-width(line))
			fmt.Fprintf(&b, "  %s  %s%s  %s\n", i.paint(frame, "│"), i.paint(code, line), pad, i.paint(frame, "│"))
		}
	}
	row(headline, c.headline)
	row(bold, c.title)
	for _, line := range c.lines {
		row("", line)
	}
	if len(c.buttons) > 0 {
		var labels []string
		for _, bt := range c.buttons {
			labels = append(labels, "[ "+bt.label+" ]")
		}
		row(cyan, strings.Join(labels, " "))
	}
	fmt.Fprintf(&b, "  %s\n", i.paint(frame, "╰"+strings.Repeat("─", cardWidth+4)+"╯"))
	for _, bt := range c.buttons {
		fmt.Fprintf(&b, "  %s\n    %s\n", i.paint(cyan, bt.label+":"), bt.curl)
	}
	return b.String()
}
