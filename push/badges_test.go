package push

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/incident"
)

func told(id string, revision int64, s incident.Status, users ...string) []incident.Entry {
	return []incident.Entry{{IncidentID: id, Incident: &incident.Snapshot{ID: id, Revision: revision, Status: s, Assignees: users}}}
}

// A night, told by the log: what each icon shows after each chapter.
func TestBadgesFollowTheLog(t *testing.T) {
	t.Parallel()
	b := NewBadges()
	b.Load("inc_old", 4, []string{"ana"}) // open before this node started
	for _, step := range []struct {
		what     string
		entries  []incident.Entry
		ana, ben int
	}{
		{"after a restart", nil, 1, 0},
		{"opened for both", told("inc_1", 1, incident.Triggered, "ana", "ben"), 2, 1},
		{"escalated to Ben", told("inc_1", 2, incident.Triggered, "ben"), 1, 1},
		{"acknowledged, still his", told("inc_1", 3, incident.Acknowledged, "ben"), 1, 1},
		{"reassigned to Ana", told("inc_1", 4, incident.Triggered, "ana"), 2, 0},
		{"an old entry again", told("inc_1", 2, incident.Triggered, "ben"), 2, 0},
		{"resolved", told("inc_1", 5, incident.Resolved, "ana"), 1, 0},
		{"resolved twice", told("inc_1", 5, incident.Resolved, "ana"), 1, 0},
		{"the old one too", told("inc_old", 5, incident.Resolved, "ana"), 0, 0},
		{"a delivery's entry", []incident.Entry{{IncidentID: "inc_1"}}, 0, 0},
	} {
		b.Follow(step.entries)
		if ana, ben := b.Count("ana", "", false), b.Count("ben", "", false); ana != step.ana || ben != step.ben {
			t.Errorf("%s: Ana %d, Ben %d; want %d, %d", step.what, ana, ben, step.ana, step.ben)
		}
	}
	if len(b.open)+len(b.count) != 0 {
		t.Errorf("remains: %v %v", b.open, b.count)
	}
}

// A page outruns the log; its own incident counts as it says.
func TestBadgeOfThePageAtHand(t *testing.T) {
	t.Parallel()
	b := NewBadges()
	b.Load("inc_1", 1, []string{"ana"})
	for _, c := range []struct {
		incident string
		theirs   bool
		want     int
	}{{"inc_2", true, 2}, {"inc_1", true, 1}, {"inc_1", false, 0}, {"inc_2", false, 1}, {"", false, 1}} {
		if got := b.Count("ana", c.incident, c.theirs); got != c.want {
			t.Errorf("with %s theirs %v: %d, want %d", c.incident, c.theirs, got, c.want)
		}
	}
}

// Whatever the order of load and log, the counts are those of the last word
// about each incident.
func TestBadgesAreTheSumOfTheLastWords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b, last := NewBadges(), map[string]incident.Snapshot{}
		for i := range int64(rapid.IntRange(0, 60).Draw(t, "words")) {
			s := incident.Snapshot{
				ID: rapid.SampledFrom([]string{"i", "j", "k"}).Draw(t, "id"), Revision: i,
				Status:    rapid.SampledFrom([]incident.Status{incident.Triggered, incident.Acknowledged, incident.Resolved}).Draw(t, "status"),
				Assignees: rapid.SampledFrom([][]string{nil, {"ana"}, {"ben"}, {"ana", "ben"}}).Draw(t, "users"),
			}
			last[s.ID] = s
			if s.Status != incident.Resolved && rapid.Bool().Draw(t, "load") {
				b.Load(s.ID, s.Revision, s.Assignees)
			}
			b.Follow([]incident.Entry{{Incident: &s}})
		}
		for _, u := range []string{"ana", "ben"} {
			want := 0
			for _, s := range last {
				for _, a := range s.Assignees {
					if a == u && s.Status != incident.Resolved {
						want++
					}
				}
			}
			if got := b.Count(u, "", false); got != want {
				t.Fatalf("%s has %d, want %d of %v", u, got, want, last)
			}
		}
	})
}

// The icon's number is on everything that is shown, quiet or not.
func TestBadgeIsOnEveryPush(t *testing.T) {
	t.Parallel()
	b := NewBadges()
	b.Load("inc_other", 1, []string{"usr_1"})
	c := &Composer{Badges: b}
	for name, x := range map[string]struct {
		change func(*Job)
		want   int
	}{
		"page":         {func(j *Job) { j.Content.Theirs = true }, 2},
		"acknowledged": {func(j *Job) { settle(j, incident.Acknowledged); j.Content.Theirs = true }, 2},
		"resolved":     {func(j *Job) { settle(j, incident.Resolved) }, 1},
		"reassigned":   {func(j *Job) { settle(j, incident.Triggered); j.Content.Reassigned = true }, 1},
		"digest":       {func(j *Job) { *j = alone(APNs, Digest, About{Count: 1}) }, 1},
	} {
		j := paged(APNs, x.change)
		m, err := c.Compose(j)
		if err != nil {
			t.Fatal(err)
		}
		if got := object(t, m)["aps"].(map[string]any)["badge"]; got != float64(x.want) {
			t.Errorf("%s: the icon shows %v, want %d", name, got, x.want)
		}
		j.Device.Provider, j.Device.Platform = FCM, Android
		if m, _ := c.Compose(j); m.Data["badge"] != itoa(int64(x.want)) {
			t.Errorf("%s: Android is told %q, want %d", name, m.Data["badge"], x.want)
		}
	}
	if m, _ := c.Compose(alone(FCM, Probe, About{})); m.Data["badge"] != "" {
		t.Error("a probe changes the icon")
	}
}
