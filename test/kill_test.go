package test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nightbell/nightbell/crash"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/test/stage"
)

// TestKilledAtEachPlace kills the process between any two steps of the path.
// Whatever was promised is kept by the process that follows: one incident, a
// ringing phone, a timeline that tells no lie.
func TestKilledAtEachPlace(t *testing.T) {
	for _, place := range []string{
		crash.BeforeCommit, crash.Committed, crash.BeforeAnswer, crash.BeforeSend, crash.Sent, crash.Recorded,
	} {
		t.Run(place, func(t *testing.T) {
			each(t, func(t *testing.T, db modelstest.Place) { killedAt(t, db, place) })
		})
	}
}

func killedAt(t *testing.T, db modelstest.Place, place string) {
	s := stage.New(t, db, stage.Options{Delay: time.Hour})
	node := s.Start("")
	s.Phone("ana", push.APNs)
	if err := node.Stop(); err != nil {
		t.Fatalf("an orderly stop failed: %v\n%s", err, node.Log())
	}

	node = s.Start(place)
	promised := s.Event("trigger", "db-1", "Database is down") == nil
	node.Dead()
	if place == crash.BeforeCommit && promised {
		t.Fatal("202 was answered before the commit")
	}
	s.Start("")
	if !promised {
		// The sender got no 202 and tries again, as senders do; where the first
		// try was durable, the same dedup key makes it one incident.
		s.Trigger("db-1", "Database is down")
	}
	rings(t, s, "ana")
	all := incidents(s)
	if len(all) != 1 {
		t.Fatalf("%d incidents, want one", len(all))
	}
	if got := len(s.Emulator.Screen(s.Phones["ana"].Token)); got != 1 {
		t.Errorf("the phone shows %d notifications, want one, however often it was sent", got)
	}
	pushes := s.Emulator.Received(s.Phones["ana"].Token)
	if len(pushes) > 2 {
		t.Errorf("the page was sent %d times, want at most twice", len(pushes))
	}
	for _, p := range pushes {
		if p.ID != pushes[0].ID {
			t.Errorf("a repeat of the page has another id: %s and %s; the app cannot drop it", pushes[0].ID, p.ID)
		}
	}
	waitTold(t, s, all[0].ID, "notification.accepted", 1)
}

// waitTold polls the timeline until it has the word n times.
func waitTold(t *testing.T, s *stage.Stage, id, word string, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		told := 0
		for _, e := range timeline(s, id) {
			if e.Type == word {
				told++
			}
		}
		if told >= n {
			return
		}
	}
	t.Errorf("the timeline does not tell %s %d times: %+v", word, n, timeline(s, id))
}

// TestATimerOutlivesItsNode kills the node that holds an escalation's lease.
func TestATimerOutlivesItsNode(t *testing.T) {
	each(t, func(t *testing.T, db modelstest.Place) {
		s := stage.New(t, db, stage.Options{Delay: time.Second})
		node := s.Start("")
		s.Phone("ana", push.APNs)
		s.Phone("ben", push.FCM)
		if err := node.Stop(); err != nil {
			t.Fatal(err)
		}
		node = s.Start(crash.TimerClaimed)
		s.Trigger("db-1", "Database is down")
		rings(t, s, "ana")
		node.Dead()
		s.Start("")
		rings(t, s, "ben")
	})
}

// TestKilledInAStorm kills the process while many events arrive at once: every
// event that was answered 202 has its incident and its page afterwards.
func TestKilledInAStorm(t *testing.T) {
	each(t, func(t *testing.T, db modelstest.Place) {
		s := stage.New(t, db, stage.Options{Delay: time.Hour})
		node := s.Start("")
		s.Phone("ana", push.APNs)
		const senders, each = 8, 60
		var promised sync.Map
		var kept, sent atomic.Int64
		var all sync.WaitGroup
		for n := range senders {
			all.Go(func() {
				for k := range each {
					key := fmt.Sprintf("storm-%d-%d", n, k)
					if sent.Add(1) == senders*each/2 {
						node.Kill()
					}
					if s.Event("trigger", key, "Storm "+key) == nil {
						promised.Store(key, true)
						kept.Add(1)
					}
				}
			})
		}
		all.Wait()
		node.Kill()
		if kept.Load() == 0 {
			t.Fatal("no event was answered before the kill")
		}
		s.Start("")
		found := map[string]bool{}
		for query := "?limit=100"; ; {
			var page struct {
				Items      []incident.Snapshot `json:"items"`
				NextCursor *string             `json:"next_cursor"`
			}
			s.Call("GET", "/v1/incidents"+query, s.Token("ana"), nil, &page)
			for _, i := range page.Items {
				found[i.DedupKey] = true
			}
			if page.NextCursor == nil || *page.NextCursor == "" {
				break
			}
			query = "?limit=100&cursor=" + *page.NextCursor
		}
		lost := 0
		promised.Range(func(key, _ any) bool {
			if !found[key.(string)] {
				lost++
			}
			return true
		})
		if lost > 0 {
			t.Fatalf("%d of %d promised events are lost", lost, kept.Load())
		}
		// Each incident rings the phone: as many distinct pages as incidents.
		if err := s.Emulator.Wait(soon(t), func() bool { return distinctPages(s) >= len(found) }); err != nil {
			t.Errorf("%d incidents but only %d distinct pages: %v", len(found), distinctPages(s), err)
		}
		t.Logf("promised %d, incidents %d, lost %d, sent %d for %d distinct pages", kept.Load(), len(found), lost,
			s.Emulator.Accepted(push.APNs), distinctPages(s))
	})
}

func distinctPages(s *stage.Stage) int {
	ids := map[string]bool{}
	for _, p := range s.Emulator.Received(s.Phones["ana"].Token) {
		ids[p.ID] = true
	}
	return len(ids)
}
