package models_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/respond"
)

// history stores thirty incidents of all kinds, some born at the same moment.
func history(t *testing.T, db *models.DB) []incident.Incident {
	t.Helper()
	var all []incident.Incident
	for i := range 30 {
		c := aCase(strconv.Itoa(i))
		in := &c.Incident
		in.CreatedAt = noon.Add(time.Duration(i/3) * time.Minute)
		in.ServiceID = fmt.Sprintf("svc_%d", i%4)
		in.Assignees = [][]string{{"usr_ana"}, {"usr_ben", "usr_ana"}, {}}[i%3]
		if i%2 == 0 {
			in.Urgency = incident.Low
		}
		if i%5 == 0 {
			in.Status, in.Timers, in.ResolvedAt, c.NextRungAt = incident.Resolved, incident.Timers{}, noon.Add(time.Hour), time.Time{}
		}
		err := db.Write(t.Context(), in.ID, func(tx *models.Tx) error {
			tx.Append(note(in.ID, "opened"))
			return tx.Open(&c)
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c.Incident)
	}
	return all
}

// matches is the filter as its own words say, in the plainest way.
func matches(f respond.IncidentFilter, i incident.Incident) bool {
	return (len(f.Statuses) == 0 || slices.Contains(f.Statuses, i.Status)) &&
		(len(f.Urgencies) == 0 || slices.Contains(f.Urgencies, i.Urgency)) &&
		(len(f.ServiceIDs) == 0 || slices.Contains(f.ServiceIDs, i.ServiceID)) &&
		(f.AssigneeID == "" || slices.Contains(i.Assignees, f.AssigneeID)) &&
		(f.Since.IsZero() || !i.CreatedAt.Before(f.Since)) &&
		(f.Until.IsZero() || i.CreatedAt.Before(f.Until))
}

func TestListsArePagedThroughWithoutGapOrRepeat(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		all := history(t, db)
		slices.SortFunc(all, func(a, b incident.Incident) int {
			if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
				return c
			}
			return strings.Compare(b.ID, a.ID)
		})
		for name, f := range map[string]respond.IncidentFilter{
			"everything": {},
			"open":       {Statuses: []incident.Status{incident.Triggered, incident.Acknowledged}},
			"high":       {Urgencies: []incident.Urgency{incident.High}},
			"services":   {ServiceIDs: []string{"svc_1", "svc_3"}},
			"ana's":      {AssigneeID: "usr_ana"},
			"nobody's":   {AssigneeID: "usr_an"},
			"a while":    {Since: noon.Add(2 * time.Minute), Until: noon.Add(6 * time.Minute)},
			"all at once": {
				Statuses: []incident.Status{incident.Triggered}, Urgencies: []incident.Urgency{incident.Low}, ServiceIDs: []string{"svc_2"},
				AssigneeID: "usr_ana", Since: noon.Add(time.Minute), Until: noon.Add(9 * time.Minute),
			},
			"strange text": {ServiceIDs: []string{"\x00\xff'--"}, AssigneeID: "\x00"},
		} {
			var want []incident.Incident
			for _, i := range all {
				if matches(f, i) {
					want = append(want, i)
				}
			}
			for _, limit := range []int{1, 4, 30, 31} {
				if diff := cmp.Diff(want, readAll(t, db, f, limit)); diff != "" {
					t.Errorf("%s, %d a page: %s", name, limit, diff)
				}
			}
		}
	})
}

// readAll turns the pages until the list says there are no more.
func readAll(t *testing.T, db *models.DB, f respond.IncidentFilter, limit int) (got []incident.Incident) {
	t.Helper()
	for f.Limit = limit; ; {
		items, more, head, err := db.Incidents().ListIncidents(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if len(items) > limit || more && len(items) < limit {
			t.Fatalf("%d items on a page of %d, more: %v", len(items), limit, more)
		}
		if head.Seq != 30 || head.Epoch == "" {
			t.Fatalf("the log has 30 entries, but its head is %+v", head)
		}
		got = append(got, items...)
		if !more {
			return got
		}
		last := items[len(items)-1]
		f.AfterAt, f.AfterID = last.CreatedAt, last.ID
	}
}

func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		history(t, db)
		for _, limit := range []int{0, -1, 1 << 40} {
			items, more, _, err := db.Incidents().ListIncidents(t.Context(), respond.IncidentFilter{Limit: limit})
			if err != nil || len(items) != 30 || more {
				t.Errorf("limit %d: %d items, more: %v, %v", limit, len(items), more, err)
			}
		}
	})
}

func TestOneIncidentWithItsAlertsAndTimeline(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c, other := aCase("k"), aCase("other")
		first, second := anAlert(c), anAlert(c)
		second.Fingerprint, second.FirstAt, second.Summary = "f2", noon.Add(time.Second), "it is still down"
		for _, one := range []*respond.Case{&c, &other} {
			err := db.Write(t.Context(), "k", func(tx *models.Tx) error {
				tx.Append(note(one.Incident.ID, "one"), note(one.Incident.ID, "two"), note(one.Incident.ID, "three"))
				return tx.Open(one)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, a := range []respond.Alert{second, first} {
			if err := db.Write(t.Context(), "k", func(tx *models.Tx) error { return tx.AddAlert(a) }); err != nil {
				t.Fatal(err)
			}
		}
		reader, key := db.Incidents(), c.Incident.ID
		got, err := reader.Incident(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.Incident, got); diff != "" {
			t.Error(diff)
		}
		alerts, err := reader.Alerts(t.Context(), key, 10)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]respond.Alert{first, second}, alerts); diff != "" {
			t.Error(diff)
		}
		var texts []string
		after := int64(0)
		for range 3 {
			page, err := reader.Timeline(t.Context(), key, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page {
				texts, after = append(texts, e.Detail.Text), e.Seq
			}
		}
		if diff := cmp.Diff([]string{"one", "two", "three"}, texts); diff != "" {
			t.Error(diff)
		}
		if _, err := reader.Incident(t.Context(), "inc_none"); err == nil || fault.KindOf(err) != fault.NotFound {
			t.Errorf("got %v", err)
		}
	})
}
