package models_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/respond"
)

// opens is a write that opens a case and points its key at an alert.
func opens(c respond.Case) func(respond.Tx) error {
	return func(tx respond.Tx) error {
		fresh := c
		if err := tx.Open(&fresh); err != nil {
			return err
		}
		if err := tx.AddAlert(anAlert(fresh)); err != nil {
			return err
		}
		tx.Append(note(fresh.Incident.ID, "opened"))
		return nil
	}
}

// write runs fn at the desk and fails the test with its error.
func write(t *testing.T, db *models.DB, key string, fn func(respond.Tx) error) {
	t.Helper()
	if err := db.Desk().Write(t.Context(), key, fn); err != nil {
		t.Fatal(err)
	}
}

// load gives the case as the database has it.
func load(t *testing.T, db *models.DB, incidentID string) (c respond.Case) {
	t.Helper()
	write(t, db, incidentID, func(tx respond.Tx) (err error) {
		c, err = tx.Case(incidentID)
		return err
	})
	return c
}

// open opens the case and gives it back with its number.
func open(t *testing.T, db *models.DB, c respond.Case) respond.Case {
	t.Helper()
	write(t, db, c.Incident.DedupKey, opens(c))
	return load(t, db, c.Incident.ID)
}

func TestDedupKeyFromFirstEventToLast(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c := open(t, db, aCase("disk"))
		var first respond.OpenAlert
		write(t, db, "disk", func(tx respond.Tx) (err error) {
			var found bool
			if first, found, err = tx.FindOpen("int_1", "disk"); err != nil || !found {
				t.Error("the key is free after its incident was opened", err)
			}
			if err := tx.CountAlert(first.AlertID, noon.Add(time.Minute)); err != nil {
				return err
			}
			return tx.CountAlert(first.AlertID, noon.Add(2*time.Minute))
		})
		other := anAlert(c)
		other.Fingerprint = "f2"
		write(t, db, "disk", func(tx respond.Tx) error { return tx.AddAlert(other) })
		write(t, db, "disk", func(tx respond.Tx) error {
			now, _, err := tx.FindOpen("int_1", "disk")
			if now.AlertID != other.ID || now.Fingerprint != "f2" {
				t.Errorf("the key points at %+v", now)
			}
			return err
		})
		alerts, err := db.Incidents().Alerts(t.Context(), c.Incident.ID, 10)
		if err != nil || len(alerts) != 2 {
			t.Fatalf("%v, alerts %+v", err, alerts)
		}
		if a := alerts[0]; a.ID != first.AlertID || a.Count != 3 || !a.LastAt.Equal(noon.Add(2*time.Minute)) || !a.FirstAt.Equal(noon) {
			t.Errorf("the first alert was counted as %+v", a)
		}
		write(t, db, "disk", func(tx respond.Tx) error {
			left, err := tx.CloseKey("int_1", "disk", c.Incident.ID, noon.Add(time.Hour))
			if left != 0 {
				t.Errorf("%d keys left", left)
			}
			if _, found, _ := tx.FindOpen("int_1", "disk"); found {
				t.Error("a closed key is still taken")
			}
			return err
		})
		if c2 := open(t, db, aCase("disk")); c2.Incident.Number <= c.Incident.Number {
			t.Errorf("number %d after %d", c2.Incident.Number, c.Incident.Number)
		}
	})
}

func TestResolvedIncidentFreesAllItsKeys(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c := open(t, db, aCase("a"))
		second := anAlert(c)
		second.DedupKey = "b"
		write(t, db, "b", func(tx respond.Tx) error { return tx.AddAlert(second) })
		write(t, db, "a", func(tx respond.Tx) error {
			left, err := tx.CloseKey("int_1", "a", c.Incident.ID, noon)
			if left != 1 {
				t.Errorf("%d keys left, want 1", left)
			}
			return err
		})
		write(t, db, c.Incident.ID, func(tx respond.Tx) error { return tx.CloseAlerts(c.Incident.ID, noon.Add(time.Hour)) })
		write(t, db, "b", func(tx respond.Tx) error {
			_, found, err := tx.FindOpen("int_1", "b")
			if found {
				t.Error("key b is still taken")
			}
			return err
		})
		alerts, err := db.Incidents().Alerts(t.Context(), c.Incident.ID, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range alerts {
			if a.ResolvedAt.IsZero() {
				t.Errorf("alert under key %s is still open", a.DedupKey)
			}
		}
	})
}

// TestStormSharesOneIncident plays many senders of one event on two nodes:
// one incident, every event counted.
func TestStormSharesOneIncident(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		nodes := []*models.DB{p.Open(t, "a"), p.Open(t, "b")}
		const keys, each = 5, 24
		var all sync.WaitGroup
		for k := range keys {
			for n := range each {
				all.Go(func() {
					event(t, nodes[n%2], fmt.Sprint("key-", k))
				})
			}
		}
		all.Wait()
		incidents, _, _, err := nodes[0].Incidents().ListIncidents(t.Context(), respond.IncidentFilter{Limit: 100})
		if err != nil || len(incidents) != keys {
			t.Fatalf("%v, %d incidents for %d keys", err, len(incidents), keys)
		}
		numbers := map[int64]bool{}
		for _, i := range incidents {
			numbers[i.Number] = true
			alerts, err := nodes[0].Incidents().Alerts(t.Context(), i.ID, 10)
			if err != nil || len(alerts) != 1 || alerts[0].Count != each {
				t.Errorf("%v, alerts of %s: %+v", err, i.DedupKey, alerts)
			}
		}
		if len(numbers) != keys {
			t.Errorf("two incidents share a number: %v", numbers)
		}
	})
}

// event does what an event does, without the rules.
func event(t *testing.T, db *models.DB, key string) {
	t.Helper()
	err := db.Desk().Write(t.Context(), key, func(tx respond.Tx) error {
		a, found, err := tx.FindOpen("int_1", key)
		if err != nil {
			return err
		}
		if found {
			return tx.CountAlert(a.AlertID, noon)
		}
		return opens(aCase(key))(tx)
	})
	if err != nil {
		t.Error(err)
	}
}

// TestEventDuringResolveIsNotSwallowed has one node resolve while another
// counts on what it saw before.
func TestEventDuringResolveIsNotSwallowed(t *testing.T) {
	t.Parallel()
	p := modelstest.Postgres(t)
	a, b := p.Open(t, "a"), p.Open(t, "b")
	c := open(t, a, aCase("disk"))
	tries := 0
	err := b.Desk().Write(t.Context(), "disk", func(tx respond.Tx) error {
		tries++
		open, found, err := tx.FindOpen("int_1", "disk")
		if err != nil {
			return err
		}
		if !found {
			return opens(aCase("disk"))(tx)
		}
		write(t, a, "resolve", func(tx respond.Tx) error { return tx.CloseAlerts(c.Incident.ID, noon) })
		return tx.CountAlert(open.AlertID, noon)
	})
	if err != nil || tries != 2 {
		t.Errorf("%v after %d tries", err, tries)
	}
	if open, more, _, err := b.Incidents().ListIncidents(t.Context(), respond.IncidentFilter{Limit: 10}); err != nil || len(open) != 2 || more {
		t.Errorf("%v, incidents %+v", err, open)
	}
}

func TestTextThatADatabaseWouldRefuseIsKeptWithoutIt(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c := aCase("k\x00ey")
		c.Incident.Title = "nul \x00 and \xff broken"
		c = open(t, db, c)
		if want := "nul  and \uFFFD broken"; c.Incident.Title != want {
			t.Errorf("title %q", c.Incident.Title)
		}
		write(t, db, "k", func(tx respond.Tx) error {
			_, found, err := tx.FindOpen("int_1", "k\x00ey")
			if !found {
				t.Error("the key is not found by the name it was given")
			}
			return err
		})
	})
}

func TestAnswerIsGivenAgainForADay(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		ask := func(at time.Time) (answer, fingerprint string) {
			write(t, db, "k", func(tx respond.Tx) error {
				b, p, err := tx.Answered("usr_ana", "key", at)
				answer, fingerprint = string(b), p
				return err
			})
			return answer, fingerprint
		}
		if a, _ := ask(noon); a != "" {
			t.Errorf("an answer before the question: %q", a)
		}
		write(t, db, "k", func(tx respond.Tx) error { return tx.Answer("usr_ana", "key", "f1", []byte("yes"), noon) })
		if a, f := ask(noon.Add(23 * time.Hour)); a != "yes" || f != "f1" {
			t.Errorf("got %q, %q", a, f)
		}
		if a, _ := ask(noon.Add(24 * time.Hour)); a != "" {
			t.Errorf("after a day still %q", a)
		}
		write(t, db, "k", func(tx respond.Tx) error {
			return tx.Answer("usr_ana", "key", "f2", []byte("no"), noon.Add(25*time.Hour))
		})
		if a, f := ask(noon.Add(26 * time.Hour)); a != "no" || f != "f2" {
			t.Errorf("got %q, %q", a, f)
		}
		err := db.Desk().Write(t.Context(), "k", func(tx respond.Tx) error {
			return tx.Answer("usr_ana", "key", "f3", []byte("maybe"), noon.Add(26*time.Hour))
		})
		if !fault.Is(err, "busy") {
			t.Errorf("an answer was replaced within its day: %v", err)
		}
	})
}

func TestMissingIncidentIsNotFound(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		for name, fn := range map[string]func(respond.Tx) error{
			"load": func(tx respond.Tx) error { _, err := tx.Case("inc_none"); return err },
			"save": func(tx respond.Tx) error { return tx.Save(aCase("k")) },
		} {
			if err := db.Desk().Write(t.Context(), "k", fn); err == nil || fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
