package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// Ana signs in, looks, takes the incident, writes a note, and signs out.
func TestAnasNight(t *testing.T) {
	t.Parallel()
	h := open(t)
	var tok TokenSet
	h.do(t, "", "POST", "/v1/sessions", `{"email":"ana@example.com","password":"correct horse","label":"Ana's phone"}`).into(201, &tok)
	if l := h.people.logins[0]; l.Label != "Ana's phone" || l.Address != "192.0.2.1" {
		t.Errorf("the login was %+v", l)
	}
	h.do(t, "", "POST", "/v1/sessions/refresh", `{"refresh_token":"`+tok.RefreshToken+`"}`).into(200, &tok)
	ana := tok.AccessToken

	var me User
	h.do(t, ana, "GET", "/v1/me", "").into(200, &me)
	if me.Id != h.ana.ID || me.Name != "Ana" || me.Role != "responder" || me.TimeZone != "Europe/Madrid" {
		t.Errorf("me is %+v", me)
	}

	var page IncidentPage
	h.do(t, ana, "GET", "/v1/incidents?status=triggered&assignee=me&limit=10", "").into(200, &page)
	if len(page.Items) != 1 || page.Items[0].Title != "Disk full on db-1" || page.Position != (Position{Epoch: "k3", Seq: 811}) || !page.NextCursor.IsNull() {
		t.Errorf("the list is %+v", page)
	}
	if h.desk.filter.AssigneeID != h.ana.ID || h.desk.filter.Limit != 10 {
		t.Errorf("asked for %+v", h.desk.filter)
	}

	var done ActionResult
	h.do(t, ana, "POST", "/v1/incidents/"+h.inc.ID+"/acknowledge", "", "Idempotency-Key", "k-1").into(200, &done)
	if !done.Changed || done.Action != "acknowledge" || done.Incident.Status != incident.Acknowledged || done.ActedBy.Name != "Ana" || done.ActedBy.Via != "api" {
		t.Errorf("acknowledging gave %+v", done)
	}
	if cmd := h.desk.commands[0]; cmd.Key != "k-1" || cmd.Principal != h.ana.ID {
		t.Errorf("the desk got %+v", cmd)
	}
	h.do(t, ana, "POST", "/v1/incidents/"+h.inc.ID+"/notes", `{"text":"Failing over."}`).into(200, &done)

	var story TimelinePage
	h.do(t, ana, "GET", "/v1/incidents/"+h.inc.ID+"/timeline", "").into(200, &story)
	var words []string
	for _, e := range story.Items {
		words = append(words, string(e.Type))
	}
	if got := strings.Join(words, " "); got != "incident.triggered incident.acknowledged incident.annotated" {
		t.Errorf("the timeline tells %s", got)
	}
	var alerts AlertList
	h.do(t, ana, "GET", "/v1/incidents/"+h.inc.ID+"/alerts", "").into(200, &alerts)
	if len(alerts.Items) != 1 || string(alerts.Items[0].Payload) != `{"a":1}` || alerts.More {
		t.Errorf("the alerts are %+v", alerts)
	}

	h.do(t, ana, "DELETE", "/v1/sessions/current", "").into(204, nil)
	h.do(t, ana, "GET", "/v1/me", "").problem(401, "token_invalid", "")
}

func TestEveryAction(t *testing.T) {
	t.Parallel()
	bob := id.New(id.User)
	for _, c := range []struct {
		path, body string
		want       respond.Command
	}{
		{"acknowledge", "", respond.Command{Name: respond.Acknowledge}},
		{"acknowledge", "{}", respond.Command{Name: respond.Acknowledge}},
		{"unacknowledge", "", respond.Command{Name: respond.Unacknowledge}},
		{"resolve", "", respond.Command{Name: respond.Resolve}},
		{"escalate", "", respond.Command{Name: respond.Escalate}},
		{"notes", `{"text":"hm"}`, respond.Command{Name: respond.Note, Note: "hm"}},
		{"snooze", `{"until":"2026-03-29T06:00:00.0000009+02:00"}`, respond.Command{Name: respond.Snooze, Until: night.Truncate(time.Hour).Add(2 * time.Hour)}},
		{"reassign", `{"user_ids":["` + bob + `"]}`, respond.Command{Name: respond.Reassign, Users: []string{bob}}},
	} {
		t.Run(c.path+c.body, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			var done ActionResult
			h.do(t, "ana", "POST", "/v1/incidents/"+h.inc.ID+"/"+c.path, c.body).into(200, &done)
			got := h.desk.commands[0]
			if got.Name != c.want.Name || got.Note != c.want.Note || !got.Until.Equal(c.want.Until) || strings.Join(got.Users, " ") != strings.Join(c.want.Users, " ") {
				t.Errorf("the desk got %+v", got)
			}
			if got.Actor != (incident.Actor{Kind: incident.ActorUser, ID: h.ana.ID, Name: "Ana", Via: "api"}) || got.IncidentID != h.inc.ID {
				t.Errorf("the desk got %+v", got)
			}
			if done.Action != string(c.want.Name) {
				t.Errorf("the answer says %q", done.Action)
			}
			h.do(t, "eve", "POST", "/v1/incidents/"+h.inc.ID+"/"+c.path, c.body).problem(403, "role_too_low", "")
			if len(h.desk.commands) != 1 {
				t.Error("a stakeholder's action reached the desk")
			}
		})
	}
}

// The desk keeps the answers; the API must give it key and principal, and show
// the same answer again.
func TestIdempotencyKeyRepeatsTheAnswer(t *testing.T) {
	t.Parallel()
	h := open(t)
	note := func() string {
		a := h.do(t, "ana", "POST", "/v1/incidents/"+h.inc.ID+"/notes", `{"text":"once"}`, "Idempotency-Key", "note-1")
		a.into(200, nil)
		return a.Body.String()
	}
	if first, again := note(), note(); first != again {
		t.Errorf("the answers differ:\n%s\n%s", first, again)
	}
	if n := len(h.desk.timeline); n != 2 {
		t.Errorf("%d entries on the timeline, want the trigger and one note", n)
	}
	h.do(t, "ana", "POST", "/v1/incidents/"+h.inc.ID+"/notes", `{"text":"x"}`, "Idempotency-Key", strings.Repeat("k", 256)).
		problem(400, "bad_value", "Idempotency-Key")
}

func (h *house) button(a auth.ActionClaims) string {
	if a.IncidentID == "" {
		a.IncidentID = h.inc.ID
	}
	if a.DeviceID == "" {
		a.DeviceID = h.phone.ID
	}
	if a.UserID == "" {
		a.UserID = h.ana.ID
	}
	if a.ExpiresAt.IsZero() {
		a.ExpiresAt = night.Add(push.ActionLife)
	}
	h.people.buttons["button-"+a.Name] = a
	return `{"token":"button-` + a.Name + `"}`
}

// One tap on the notification, with no session, then another by somebody who
// was slower.
func TestTapOnTheNotification(t *testing.T) {
	t.Parallel()
	h := open(t)
	tap := h.button(auth.ActionClaims{Name: "acknowledge"})
	var done ActionResult
	h.do(t, "", "POST", "/v1/actions", tap).into(200, &done)
	want := incident.Actor{Kind: incident.ActorUser, ID: h.ana.ID, Name: "Ana", Via: "notification", DeviceID: h.phone.ID}
	if !done.Changed || *done.ActedBy != want {
		t.Errorf("the tap gave %+v, by %+v", done, done.ActedBy)
	}

	bob := auth.User{ID: id.New(id.User), Name: "Bob", Role: auth.Responder}
	h.people.users[bob.ID] = bob
	bobs := push.Device{ID: id.New(id.Device), UserID: bob.ID}
	h.phones.known = append(h.phones.known, bobs)
	slow := h.button(auth.ActionClaims{Name: "acknowledge", UserID: bob.ID, DeviceID: bobs.ID})
	h.do(t, "", "POST", "/v1/actions", slow).into(200, &done)
	if done.Changed || done.ActedBy.Name != "Ana" {
		t.Errorf("the slower tap gave %+v, by %+v", done.Changed, done.ActedBy)
	}

	h.do(t, "", "POST", "/v1/actions", h.button(auth.ActionClaims{Name: "resolve"})).into(200, &done)
	h.do(t, "", "POST", "/v1/actions", tap).into(200, &done)
	if done.Changed || done.Incident.Status != incident.Resolved || done.ActedBy == nil {
		t.Errorf("a tap after the end gave %+v", done)
	}
}

func TestTapsThatDoNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.do(t, "", "POST", "/v1/actions", `{"token":"made up"}`).problem(401, "token_invalid", "")
	h.do(t, "", "POST", "/v1/actions", `{}`).problem(400, "missing_field", "token")
	h.do(t, "", "POST", "/v1/actions", h.button(auth.ActionClaims{Name: "acknowledge", DeviceID: id.New(id.Device)})).problem(403, "device_removed", "")
	h.do(t, "", "POST", "/v1/actions", h.button(auth.ActionClaims{Name: "acknowledge", IncidentID: id.New(id.Incident)})).problem(404, "not_found", "")
	eves := push.Device{ID: id.New(id.Device), UserID: h.eve.ID}
	h.phones.known = append(h.phones.known, eves)
	h.do(t, "", "POST", "/v1/actions", h.button(auth.ActionClaims{Name: "acknowledge", UserID: h.eve.ID, DeviceID: eves.ID})).problem(403, "role_too_low", "")
	// Buttons do not open doors: as a session, an action token is nothing.
	h.do(t, "button-acknowledge", "GET", "/v1/me", "").problem(401, "token_invalid", "")
	if got, _ := h.desk.Incident(t.Context(), h.inc.ID); got.Status != incident.Triggered {
		t.Errorf("the incident is %s", got.Status)
	}
}

// The desk judges the button, with what the token says of it; a refusal shows
// the incident, so that the notification can be rewritten.
func TestARevokedButtonSaysHowThingsAre(t *testing.T) {
	t.Parallel()
	h := open(t)
	tap := h.button(auth.ActionClaims{Name: "acknowledge", DeliveryID: "dlv_1", ExpiresAt: night})
	h.desk.err = respond.RevokedBy(h.inc)
	a := h.do(t, "", "POST", "/v1/actions", tap)
	a.problem(403, "no_longer_yours", "")
	var p Problem
	if err := json.Unmarshal(a.Body.Bytes(), &p); err != nil || p.Incident == nil || p.Incident.ID != h.inc.ID {
		t.Errorf("the problem is %+v, %v", p, err)
	}
	if got := h.desk.commands[0].Tap; got == nil || *got != (respond.Tap{DeliveryID: "dlv_1", ExpiresAt: night}) {
		t.Errorf("the desk was told of the button %+v", got)
	}
}

func TestIncidentIsNotSentAgainWhileItIsTheSame(t *testing.T) {
	t.Parallel()
	h := open(t)
	at := "/v1/incidents/" + h.inc.ID
	first := h.do(t, "ana", "GET", at, "")
	var in incident.Snapshot
	first.into(200, &in)
	tag := first.Header().Get("ETag")
	if in.ID != h.inc.ID || tag != `"1"` {
		t.Fatalf("got %+v with ETag %s", in, tag)
	}
	for _, given := range []string{tag, "W/" + tag, `"0", ` + tag, "*"} {
		same := h.do(t, "ana", "GET", at, "", "If-None-Match", given)
		if same.into(304, nil); same.Body.Len() != 0 || same.Header().Get("ETag") != tag {
			t.Errorf("%s: 304 with %q and ETag %q", given, same.Body, same.Header().Get("ETag"))
		}
	}
	h.do(t, "ana", "POST", at+"/acknowledge", "").into(200, nil)
	h.do(t, "ana", "GET", at, "", "If-None-Match", tag).into(200, &in)
	if in.Status != incident.Acknowledged {
		t.Errorf("the incident is %s", in.Status)
	}
}

func TestHeadAnswersLikeGet(t *testing.T) {
	t.Parallel()
	h := open(t)
	if a := h.do(t, "ana", http.MethodHead, "/v1/me", ""); a.Code != 200 {
		t.Errorf("HEAD gives %d", a.Code)
	}
}
