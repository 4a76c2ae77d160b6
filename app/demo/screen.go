package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

// screen draws what the phones show, one after the other.
type screen struct {
	out    io.Writer
	ink    ink
	server string

	queue   chan pushtest.Shown
	missed  atomic.Int64
	stop    chan struct{}
	drawing sync.WaitGroup
}

// queued bounds what waits to be drawn: a terminal is slower than a storm of
// pages, and what nobody can read need not be drawn.
const queued = 64

func newScreen(out io.Writer, i ink, server string) *screen {
	s := &screen{out: out, ink: i, server: server, queue: make(chan pushtest.Shown, queued), stop: make(chan struct{})}
	s.drawing.Go(s.draw)
	return s
}

// show is called by the emulator on the connection's goroutine: it never waits.
func (s *screen) show(n pushtest.Shown) {
	select {
	case s.queue <- n:
	default:
		s.missed.Add(1)
	}
}

func (s *screen) draw() {
	for {
		select {
		case n := <-s.queue:
			fmt.Fprint(s.out, s.cardOf(n).draw(s.ink))
			if missed := s.missed.Swap(0); missed > 0 {
				fmt.Fprintf(s.out, "\n  … and %d more that came faster than they can be drawn\n", missed)
			}
		case <-s.stop:
			return
		}
	}
}

// close ends the drawing and waits for it.
func (s *screen) close() {
	close(s.stop)
	s.drawing.Wait()
}

// cardOf says what the phone's owner sees and hears.
func (s *screen) cardOf(n pushtest.Shown) card {
	c := card{
		phone: n.Device.Name, via: providerNames[n.Device.Provider] + " " + n.Notification.At.Local().Format("15:04:05"),
		headline: headline(n), title: n.Notification.Title,
		lines: []string{n.Notification.Subtitle, n.Notification.Body}, quiet: !n.Notification.Rings,
	}
	for _, b := range n.Notification.Buttons {
		c.buttons = append(c.buttons, button{
			label: strings.ToUpper(b.Name[:1]) + b.Name[1:],
			curl:  fmt.Sprintf("curl -s %s/v1/actions -H 'Content-Type: application/json' -d '{\"token\":\"%s\"}'", s.server, b.Token),
		})
	}
	return c
}

var providerNames = map[push.Provider]string{push.APNs: "APNs", push.FCM: "FCM"}

// headline says how hard the notification knocks, and what it did to the one
// before it.
func headline(n pushtest.Shown) string {
	again := ""
	if n.Replaced != nil {
		again = " again, in place of the one before"
	}
	switch {
	case !n.Notification.Rings && n.Replaced != nil:
		return "quietly rewrites the notification above"
	case !n.Notification.Rings:
		return "appears without a sound"
	case n.Notification.Level == "critical":
		return "RINGS through silent mode" + again
	case n.Notification.Level == "time-sensitive":
		return "RINGS through Focus" + again
	default:
		return "RINGS" + again
	}
}
