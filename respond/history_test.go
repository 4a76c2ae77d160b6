package respond_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/respond"
)

// ask is one action of one person in a history.
type ask struct {
	verb respond.Verb
	by   string
}

// got is what they were answered.
type got struct {
	refused bool
	changed bool
	status  incident.Status
	by      string // who holds it, when acknowledged
}

// truth is an incident as a single reader would see it.
type truth struct {
	status incident.Status
	by     string
}

// law is the incident as if one person at a time had come to the desk: a
// history is good when some such order explains every answer.
var law = porcupine.Model{
	Init: func() any { return truth{status: incident.Triggered} },
	Step: func(state, in, out any) (bool, any) {
		next, answer := obey(state.(truth), in.(ask))
		return answer == out.(got), next
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %+v", in, out) },
}

func obey(s truth, a ask) (truth, got) {
	unchanged := got{status: s.status, by: s.by}
	switch {
	case a.verb == respond.Acknowledge && s.status == incident.Triggered:
		n := truth{incident.Acknowledged, a.by}
		return n, got{changed: true, status: n.status, by: n.by}
	case a.verb == respond.Resolve && s.status != incident.Resolved:
		n := truth{status: incident.Resolved} // who held it is history: the timeline knows
		return n, got{changed: true, status: n.status, by: n.by}
	case a.verb == respond.Escalate && s.status == incident.Resolved:
		return s, got{refused: true}
	case a.verb == respond.Escalate:
		n := truth{status: incident.Triggered}
		return n, got{changed: true, status: n.status}
	}
	return s, unchanged
}

// TestPeopleOnTwoNodesSeeOneHistory lets eight people act on one incident at
// once, on two nodes where the database allows, and asks whether one order
// explains all they were told.
func TestPeopleOnTwoNodesSeeOneHistory(t *testing.T) {
	modelstest.EachPlace(t, func(t *testing.T, place modelstest.Place) {
		nodes := []*models.DB{place.Open(t, "node-a")}
		if place.Engine == "postgres" {
			nodes = append(nodes, place.Open(t, "node-b"))
		}
		s := &stage{t: t, db: nodes[0], page: &pager{}, at: monday}
		var desks []*respond.Desk
		for _, db := range nodes {
			desks = append(desks, respond.New(respond.Config{Store: db.Desk(), Pager: s.page, Node: "n", Now: s.now}))
		}
		s.desk = desks[0]
		s.furnish()
		s.loop(9)
		for round := range 10 {
			history := s.crowd(desks, s.trigger(fmt.Sprintf("db-%d", round)).ID)
			if result, _ := porcupine.CheckOperationsVerbose(law, history, time.Minute); result != porcupine.Ok {
				t.Fatalf("round %d: no order of these actions explains the answers (%s):\n%+v", round, result, history)
			}
		}
	})
}

// crowd has eight people do three things each, and notes when.
func (s *stage) crowd(desks []*respond.Desk, incidentID string) []porcupine.Operation {
	var mu sync.Mutex
	var history []porcupine.Operation
	var people sync.WaitGroup
	for p := range 8 {
		people.Go(func() {
			for range 3 {
				verbs := []respond.Verb{respond.Acknowledge, respond.Acknowledge, respond.Escalate, respond.Resolve}
				a := ask{verb: verbs[rand.IntN(len(verbs))], by: fmt.Sprintf("usr-%d", p)}
				call := time.Now().UnixNano()
				answer, err := desks[p%len(desks)].Act(s.t.Context(), respond.Command{
					Name: a.verb, IncidentID: incidentID, Actor: incident.Actor{Kind: incident.ActorUser, ID: a.by},
				})
				if err != nil && !fault.Is(err, "incident_resolved") {
					s.t.Errorf("%s: %v", a.verb, err)
				}
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: p, Input: a, Call: call, Output: told(answer, err), Return: time.Now().UnixNano()})
				mu.Unlock()
			}
		})
	}
	people.Wait()
	return history
}

func told(a respond.Answer, err error) got {
	if err != nil {
		return got{refused: true}
	}
	g := got{changed: a.Changed, status: a.Incident.Status}
	if a.Incident.AcknowledgedBy != nil {
		g.by = a.Incident.AcknowledgedBy.ID
	}
	return g
}
