package fcm_test

import (
	"context"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/fcm"
	"github.com/nightbell/nightbell/push/pushtest"
)

func TestAccessTokenThroughADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 24 * 6 { // every ten minutes
		if r := w.send(w.message()); r.Class != push.ClassAccepted {
			t.Fatalf("at %s: %+v; %+v", w.clock.now().Format(time.TimeOnly), r, w.em.Refusals())
		}
		w.clock.advance(10 * time.Minute)
	}
}

func TestRevokedAccessTokenIsFetchedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(w.message())
	w.em.RevokeBearers()
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Errorf("%+v", r)
	}
	if n := w.em.Accepted(push.FCM); n != 2 {
		t.Errorf("the phone got %d pushes", n)
	}
}

func TestTokenEndpointTroubles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := []struct {
		name  string
		fault pushtest.Fault
		want  push.Result
	}{
		{"key revoked", pushtest.Fault{Status: 400, Body: `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`}, push.Result{Class: push.ClassConfigBroken, Status: 400, Reason: "oauth_invalid_grant"}},
		{"busy", pushtest.Fault{Status: 503, Body: "later", RetryAfter: "5"}, push.Result{Class: push.ClassProviderDown, Status: 503, Reason: "oauth_http_503", RetryAfter: 5 * time.Second}},
		{"a proxy's page", pushtest.Fault{Status: 403, Body: "<html>"}, push.Result{Class: push.ClassProviderDown, Status: 403, Reason: "oauth_http_403"}},
		{"a 200 without a token", pushtest.Fault{Status: 200, Body: "{}"}, push.Result{Class: push.ClassProviderDown, Status: 200, Reason: "oauth_http_200"}},
		{"cut", pushtest.Fault{Cut: true}, push.Result{Class: push.ClassProviderDown, Reason: "oauth_unreachable"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.fault.OAuth = true
			id := w.em.Inject(tt.fault)
			if r := w.send(w.message()); r != tt.want {
				t.Errorf("got  %+v\nwant %+v", r, tt.want)
			}
			w.em.Clear(id)
		})
	}
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Errorf("afterwards: %+v", r)
	}
}

func TestHangingTokenEndpointHoldsNobodyPastTheDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.em.Inject(pushtest.Fault{OAuth: true, Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if r := w.sender.Send(ctx, w.message()); r != (push.Result{Class: push.ClassRetry, Reason: "timeout"}) {
		t.Errorf("%+v", r)
	}
	w.sender.Close() // must not wait for the hanging fetch
}

func TestTokenIsRenewedWhileTheOldOneServes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(w.message())
	w.clock.advance(52 * time.Minute)
	id := w.em.Inject(pushtest.Fault{OAuth: true, Hang: true, Times: 1})
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Errorf("a push must not wait for a token while the old one is good: %+v", r)
	}
	w.em.Clear(id)
}

func TestTwoProjectsShareConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second, err := w.em.NewServiceAccount("second")
	if err != nil {
		t.Fatal(err)
	}
	sender, err := fcm.New(fcm.Config{
		Apps: []fcm.App{
			{Name: "android", ServiceAccountJSON: w.account, Endpoint: w.em.FCMURL()},
			{Name: "second", ServiceAccountJSON: second, Endpoint: w.em.FCMURL()},
		},
		RootCAs: w.em.RootCAs(), Now: w.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	if err := sender.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	phone := w.em.NewDevice(push.FCM, "second")
	m := w.message()
	if r := sender.Send(t.Context(), m); r.Class != push.ClassAccepted {
		t.Errorf("first: %+v", r)
	}
	m.App, m.Token = "second", phone.Token
	if r := sender.Send(t.Context(), m); r.Class != push.ClassAccepted {
		t.Errorf("second: %+v", r)
	}
	m.Token = w.phone.Token
	if r := sender.Send(t.Context(), m); r.Reason != "SENDER_ID_MISMATCH" {
		t.Errorf("the first project's phone by the second's account: %+v", r)
	}
}
