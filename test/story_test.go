package test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/realtime/realtimetest"
	"github.com/nightbell/nightbell/test/stage"
)

func TestMain(m *testing.M) {
	code := m.Run()
	stage.Clean()
	os.Exit(code)
}

// patience bounds every wait of a story; a story that is well takes a fraction.
const patience = 60 * time.Second

func each(t *testing.T, story func(t *testing.T, place modelstest.Place)) {
	t.Helper()
	modelstest.EachPlace(t, story)
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// rings waits until the person's phone shows a ringing notification with the title.
func rings(t *testing.T, s *stage.Stage, person string) pushtest.Notification {
	t.Helper()
	return shows(t, s, person, "a ringing page", func(n pushtest.Notification) bool { return n.Rings && n.Kind == string(push.Page) })
}

// quiet waits until the person's phone says, without a sound, that somebody has
// taken the incident.
func quiet(t *testing.T, s *stage.Stage, person string) pushtest.Notification {
	t.Helper()
	return shows(t, s, person, "a settled page", func(n pushtest.Notification) bool {
		return !n.Rings && n.Kind == string(push.Settle) && (strings.HasPrefix(n.Title, "Acknowledged") || strings.HasPrefix(n.Title, "Resolved"))
	})
}

func shows(t *testing.T, s *stage.Stage, person, what string, ok func(pushtest.Notification) bool) pushtest.Notification {
	t.Helper()
	var found pushtest.Notification
	screen, err := s.Emulator.WaitScreen(soon(t), s.Phones[person].Token, func(all []pushtest.Notification) bool {
		for _, n := range all {
			if ok(n) {
				found = n
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Fatalf("%s's phone does not show %s: %v\nscreen: %+v\nrefusals: %+v", person, what, err, screen, s.Emulator.Refusals())
	}
	return found
}

// the timeline of the only incident, as the API tells it.
type entry struct {
	Seq    int64           `json:"seq"`
	Type   string          `json:"type"`
	Actor  incident.Actor  `json:"actor"`
	Detail incident.Detail `json:"detail"`
}

func incidents(s *stage.Stage) []incident.Snapshot {
	s.T.Helper()
	var page struct {
		Items []incident.Snapshot `json:"items"`
	}
	s.Call("GET", "/v1/incidents?limit=100", s.Token("ana"), nil, &page)
	return page.Items
}

func timeline(s *stage.Stage, id string) []entry {
	s.T.Helper()
	var page struct {
		Items []entry `json:"items"`
	}
	s.Call("GET", "/v1/incidents/"+id+"/timeline?limit=100", s.Token("ana"), nil, &page)
	return page.Items
}

// screen opens a person's live stream and waits until it is live.
func screen(t *testing.T, s *stage.Stage, person string) *realtimetest.Client {
	t.Helper()
	c, err := realtimetest.Dial(soon(t), s.URL+"/v1/stream", s.Token(person), realtimetest.Live, "")
	if err != nil {
		t.Fatalf("opening %s's stream: %v", person, err)
	}
	t.Cleanup(c.Close)
	if _, err := c.Next(soon(t)); err != nil {
		t.Fatalf("%s's stream was not welcomed: %v", person, err)
	}
	return c
}

func sees(t *testing.T, c *realtimetest.Client, typ incident.EntryType) incident.Entry {
	t.Helper()
	e, err := c.Until(soon(t), func(e incident.Entry) bool { return e.Type == typ })
	if err != nil {
		t.Fatalf("the stream did not show %s: %v", typ, err)
	}
	return e
}
