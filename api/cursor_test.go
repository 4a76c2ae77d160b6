package api

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/respond"
)

// Paging through a list gives everything once, though incidents share their
// moment and new ones come in meanwhile.
func TestPagesMissNothingAndRepeatNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 23 {
		h.trigger(strconv.Itoa(i), night.Add(time.Duration(i/5)*time.Second))
	}
	seen := map[string]bool{}
	target := "/v1/incidents?limit=5&status=triggered&status=acknowledged"
	for range 10 {
		var page IncidentPage
		h.do(t, "ana", "GET", target, "").into(200, &page)
		for _, i := range page.Items {
			if seen[i.ID] {
				t.Errorf("%s was given twice", i.Title)
			}
			seen[i.ID] = true
		}
		if page.NextCursor.IsNull() {
			break
		}
		next, err := page.NextCursor.Get()
		if err != nil {
			t.Fatal(err)
		}
		// The order in which a client repeats a filter is its own affair.
		target = "/v1/incidents?cursor=" + url.QueryEscape(next) + "&limit=5&status=acknowledged&status=triggered"
		h.trigger("newer", night.Add(time.Hour))
	}
	if len(seen) != 24 {
		t.Errorf("%d incidents were given, want the 24 there were at the start", len(seen))
	}
}

func TestTimelinePages(t *testing.T) {
	t.Parallel()
	h := open(t)
	at := "/v1/incidents/" + h.inc.ID
	for i := range 6 {
		h.do(t, "ana", "POST", at+"/notes", fmt.Sprintf(`{"text":"note %d"}`, i)).into(200, nil)
	}
	var seqs []int64
	target := at + "/timeline?limit=3"
	for range 5 {
		var page TimelinePage
		h.do(t, "ana", "GET", target, "").into(200, &page)
		for _, e := range page.Items {
			seqs = append(seqs, e.Seq)
		}
		if page.NextCursor.IsNull() {
			break
		}
		target = at + "/timeline?limit=3&cursor=" + page.NextCursor.MustGet()
	}
	if got := fmt.Sprint(seqs); got != "[1 2 3 4 5 6 7]" {
		t.Errorf("the timeline's pages hold %s", got)
	}
}

func TestOnCall(t *testing.T) {
	t.Parallel()
	h := open(t)
	var page OnCallPage
	h.do(t, "eve", "GET", "/v1/oncall", "").into(200, &page)
	if !page.At.Equal(night.Add(time.Hour)) || len(page.Items) != 2 || !page.NextCursor.IsNull() {
		t.Fatalf("on call: %+v", page)
	}
	pay, search := page.Items[0], page.Items[1]
	if pay.Service.Name != "Payments" || pay.Policy.Name != "Default" || pay.Levels[0].DelaySeconds != 300 || pay.Levels[0].People[0].Name != "Ana" || len(pay.Levels[1].People) != 0 {
		t.Errorf("Payments: %+v", pay)
	}
	if search.Policy != nil || len(search.Levels) != 0 {
		t.Errorf("Search: %+v", search)
	}
	h.do(t, "ana", "GET", "/v1/oncall?at=2026-03-29T04:14:00%2B02:00&service_id="+search.Service.Id, "").into(200, &page)
	if !h.desk.asked.Equal(night) || len(page.Items) != 1 || page.Items[0].Service.Name != "Search" {
		t.Errorf("at %v: %+v", h.desk.asked, page.Items)
	}
	h.do(t, "ana", "GET", "/v1/oncall?limit=1", "").into(200, &page)
	next := page.NextCursor.MustGet()
	h.do(t, "ana", "GET", "/v1/oncall?limit=1&cursor="+next, "").into(200, &page)
	if len(page.Items) != 1 || page.Items[0].Service.Name != "Search" || !page.NextCursor.IsNull() {
		t.Errorf("the second page: %+v", page)
	}
	h.desk.onCall = h.desk.onCall[1:] // the service the cursor stood at is gone
	h.do(t, "ana", "GET", "/v1/oncall?cursor="+next, "").problem(400, "bad_cursor", "cursor")
}

func TestCursorsFromElsewhere(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 3 {
		h.trigger("x", night)
	}
	other := h.trigger("y", night)
	var page IncidentPage
	h.do(t, "ana", "GET", "/v1/incidents?limit=1&status=triggered", "").into(200, &page)
	good := page.NextCursor.MustGet()
	at := "/v1/incidents/" + h.inc.ID
	h.do(t, "ana", "POST", at+"/notes", `{"text":"n"}`).into(200, nil)
	var story TimelinePage
	h.do(t, "ana", "GET", at+"/timeline?limit=1", "").into(200, &story)
	timeline := story.NextCursor.MustGet()
	letter := "A"
	if good[:1] == letter {
		letter = "B"
	}
	for name, target := range map[string]string{
		"another filter":               "/v1/incidents?status=resolved&cursor=" + good,
		"no filter":                    "/v1/incidents?cursor=" + good,
		"one filter more":              "/v1/incidents?status=triggered&since=2026-01-01T00:00:00Z&cursor=" + good,
		"a timeline's, in the list":    "/v1/incidents?status=triggered&cursor=" + timeline,
		"the list's, in a timeline":    at + "/timeline?cursor=" + good,
		"of another incident":          "/v1/incidents/" + other.ID + "/timeline?cursor=" + timeline,
		"cut":                          "/v1/incidents?status=triggered&cursor=" + good[:len(good)-2],
		"with another letter":          "/v1/incidents?status=triggered&cursor=" + letter + good[1:],
		"a word":                       "/v1/incidents?status=triggered&cursor=next",
		"signs that are not in base64": "/v1/incidents?status=triggered&cursor=%21%21",
		"an offset":                    "/v1/incidents?status=triggered&cursor=25",
		"somebody else's":              "/v1/oncall?cursor=" + good,
	} {
		t.Run(name, func(t *testing.T) { h.do(t, "ana", "GET", target, "").problem(400, "bad_cursor", "cursor") })
	}
	h.do(t, "ana", "GET", "/v1/incidents?status=triggered&limit=2&cursor="+good, "").into(200, nil)
	h.do(t, "ana", "GET", "/v1/incidents?cursor="+strings.Repeat("A", 513), "").problem(400, "bad_value", "cursor")
}

// Every part of a filter is part of its list's name.
func TestEveryFilterNamesAnotherList(t *testing.T) {
	t.Parallel()
	names := map[string]int{}
	for i, f := range []respond.IncidentFilter{
		{}, {Statuses: []incident.Status{incident.Triggered}}, {Urgencies: []incident.Urgency{incident.High}},
		{ServiceIDs: []string{"a"}}, {ServiceIDs: []string{"a", "b"}}, {ServiceIDs: []string{"ab"}}, {AssigneeID: "a"}, {Since: night}, {Until: night},
	} {
		if former, taken := names[nameOf(f)]; taken {
			t.Errorf("filters %d and %d have one name, %s", former, i, nameOf(f))
		}
		names[nameOf(f)] = i
	}
	page := respond.IncidentFilter{Limit: 7, AfterAt: night, AfterID: "x"}
	if nameOf(page) != nameOf(respond.IncidentFilter{}) {
		t.Error("where a page stands is not part of the list's name")
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("incidents", cursor("incidents", place{night.UnixMicro(), id.New(id.Incident)}))
	f.Add("timeline", cursor("timeline", place{at: 7}))
	f.Add("oncall", "AAAA")
	f.Fuzz(func(t *testing.T, list, text string) {
		p, err := readCursor(list, text)
		if err == nil && cursor(list, p) != text {
			t.Errorf("%q is read as %+v, which is written %q", text, p, cursor(list, p))
		}
		if p, err := readCursor(list, cursor(list, place{int64(len(text)), text})); err != nil || p.id != text || p.at != int64(len(text)) {
			t.Errorf("a cursor of %q comes back as %+v, %v", text, p, err)
		}
	})
}
