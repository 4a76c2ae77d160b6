package app

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/api"
	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/realtime/realtimetest"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// TestTheStreamsDoorAndActor asks the real rooms through the small types
// between them.
func TestTheStreamsDoorAndActor(t *testing.T) {
	c := testConfig(t)
	a, _ := startApp(t, c)
	door, actor := streamDoor{a.house.auth}, streamActor{a.house.auth, a.house.desk}
	for _, role := range []auth.Role{auth.Responder, auth.Stakeholder} {
		email := string(role) + "@example.com"
		u, err := AddUser(t.Context(), c, NewUser{Name: "Ana", Email: email, Role: string(role), Password: "correct horse battery"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		token, err := a.house.auth.Mint(t.Context(), email, "test", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		viewer, err := door.Viewer(t.Context(), token.Access)
		if want := (realtime.Viewer{UserID: u.ID, SessionID: token.SessionID, ExpiresAt: token.AccessExpiresAt}); err != nil || viewer != want {
			t.Errorf("viewer %+v, %v; want %+v", viewer, err, want)
		}
		_, err = actor.Do(t.Context(), viewer, "key", "acknowledge", "inc_00000000000000000000000000")
		want := fault.NotFound // a responder gets as far as the incident, which is not there
		if role == auth.Stakeholder {
			want = fault.Forbidden
		}
		if err == nil || fault.KindOf(err) != want {
			t.Errorf("a %s who acts gets %v", role, err)
		}
		if err := a.house.auth.SignOut(t.Context(), viewer.SessionID); err != nil {
			t.Fatal(err)
		}
		if _, err := actor.Do(t.Context(), viewer, "key", "acknowledge", "inc_00000000000000000000000000"); !fault.Is(err, "session_ended") {
			t.Errorf("a %s who has signed out gets %v", role, err)
		}
	}
	if _, err := door.Viewer(t.Context(), "nonsense"); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("nonsense gets %v", err)
	}
}

// TestTheStreamAnswersAsTheAPIDoes acknowledges over the socket and over HTTP:
// one client library reads both answers.
func TestTheStreamAnswersAsTheAPIDoes(t *testing.T) {
	a, _ := startApp(t, testConfig(t))
	demo, err := setup.Demo(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := setup.Apply(t.Context(), a.house.db.Setup(), demo, time.Now()); err != nil {
		t.Fatal(err)
	}
	event := respond.Event{
		RoutingKey: setup.DemoRoutingKey, Action: respond.EventTrigger, DedupKey: "disk", Summary: "disk full", Source: "db-1",
		Severity: incident.Critical, Payload: []byte("{}"),
	}
	if _, err := a.house.desk.Ingest(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	open, _, _, err := a.house.db.Incidents().ListIncidents(t.Context(), respond.IncidentFilter{Limit: 1})
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	token, err := a.house.auth.Mint(t.Context(), "ana@example.com", "test", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	viewer, err := streamDoor{a.house.auth}.Viewer(t.Context(), token.Access)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := streamActor{a.house.auth, a.house.desk}.Do(t.Context(), viewer, "key", "acknowledge", open[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var said api.ActionResult
	strict := json.NewDecoder(bytes.NewReader(answer))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&said); err != nil {
		t.Fatal(err)
	}
	if !said.Changed || said.Action != "acknowledge" || said.Incident.ID != open[0].ID || said.ActedBy == nil || said.ActedBy.Name != "Ana Lima" {
		t.Errorf("the stream answers %s", answer)
	}
}

// TestSigningOutEndsTheStream: whoever has no session any more sees no more.
func TestSigningOutEndsTheStream(t *testing.T) {
	c := testConfig(t)
	a, _ := startApp(t, c)
	if _, err := AddUser(t.Context(), c, NewUser{Name: "Ana", Email: "ana@example.com", Password: "correct horse battery"}, Options{}); err != nil {
		t.Fatal(err)
	}
	token, err := a.house.auth.Mint(t.Context(), "ana@example.com", "test", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := realtimetest.Dial(t.Context(), a.URL()+"/v1/stream", token.Access, realtimetest.Live, "")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if first, err := stream.Next(t.Context()); err != nil || first.Welcome == nil {
		t.Fatalf("%+v, %v", first, err)
	}
	// As another node would do it: nothing in memory here knows of it.
	if err := a.house.db.Accounts().RevokeSession(t.Context(), token.SessionID, "signed_out", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := a.house.expel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Next(t.Context()); realtimetest.CloseCode(err) != realtime.CloseBadToken {
		t.Errorf("the stream goes on: %v", err)
	}
}

func TestButtonsAreSealedForTheirAction(t *testing.T) {
	a, _ := startApp(t, testConfig(t))
	sealed, err := signer{a.house.auth}.SignAction(push.Action{
		Name: "acknowledge", IncidentID: "inc_00000000000000000000000000", DeliveryID: "dlv_00000000000000000000000000",
		UserID: "usr_00000000000000000000000000", DeviceID: "dev_00000000000000000000000000", ExpiresAt: time.Now().Add(time.Hour),
	})
	if err != nil || strings.Count(sealed, ".") != 2 {
		t.Errorf("%q, %v", sealed, err)
	}
}
