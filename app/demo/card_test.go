package demo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestACardLooksLikeANotification(t *testing.T) {
	got := card{
		phone: "Ana's iPhone", via: "APNs 02:14:05", headline: "RINGS through silence",
		title: "Checkout error rate 12 %", lines: []string{"Checkout", "#1 · critical · triggered 02:14 UTC"},
		buttons: []button{{"Acknowledge", "curl a"}, {"Resolve", "curl b"}},
	}.draw(false)
	want := `
  ╭─ Ana's iPhone ─────────────────────────────────────────── APNs 02:14:05 ─╮
  │  RINGS through silence                                                   │
  │  Checkout error rate 12 %                                                │
  │  Checkout                                                                │
  │  #1 · critical · triggered 02:14 UTC                                     │
  │  [ Acknowledge ] [ Resolve ]                                             │
  ╰──────────────────────────────────────────────────────────────────────────╯
  Acknowledge:
    curl a
  Resolve:
    curl b
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestACardIsAlwaysClosed draws what senders may put into a title.
func TestACardIsAlwaysClosed(t *testing.T) {
	for _, title := range []string{"", "🔥🔥 データベース is down", strings.Repeat("x", 300), strings.Repeat("long words ", 60), "a\x1b[2Jb\r\n\u202ec", "e\u0301\u0301"} {
		drawn := card{phone: "Ben's Pixel", via: "FCM 00:00:00", title: title, quiet: true}.draw(false)
		if strings.ContainsAny(drawn, "\x1b\r\u202e") {
			t.Errorf("%q: a control character reaches the terminal", title)
		}
		lines := strings.Split(strings.Trim(drawn, "\n"), "\n")
		for _, line := range lines {
			if width(line) != width(lines[0]) {
				t.Errorf("%q: a line is %d columns wide and the first %d:\n%s", title, width(line), width(lines[0]), drawn)
			}
		}
	}
}

func TestInkIsOnlyUsedWhereThereIsATerminal(t *testing.T) {
	c := card{phone: "p", via: "v", headline: "h", title: "t"}
	if strings.Contains(c.draw(false), "\x1b") || !strings.Contains(c.draw(true), "\x1b") {
		t.Error("colour does not follow the switch")
	}
}
