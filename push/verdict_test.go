package push

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/incident"
)

var (
	noon       = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	soon       = noon.Add(3 * time.Second)
	registered = noon.Add(-time.Hour)
)

// sent is an outcome of a page sent at noon, with node "a" holding the lease.
func sent(class Class, final DeliveryState, change func(*Outcome)) Outcome {
	o := Outcome{
		Job: Job{
			Delivery: Delivery{
				ID: "dlv_1", Kind: Page, NotificationID: "ntf_1", IncidentID: "inc_1", Revision: 3, UserID: "usr_1",
				DeviceID: "dev_1", State: Scheduled, DueAt: noon, LeaseNode: "a", LeaseUntil: noon.Add(time.Minute),
				ExpiresAt: noon.Add(time.Hour),
			},
			Device: Device{ID: "dev_1", Provider: APNs, Token: "t1", RegisteredAt: registered, State: DeviceActive},
		},
		SentAt: noon, DoneAt: noon.Add(40 * time.Millisecond), Final: final,
		Result: Result{Class: class, Status: 500, Reason: "Because"},
	}
	if final == Scheduled {
		o.RetryAt = soon
	}
	if change != nil {
		change(&o)
	}
	return o
}

func TestVerdictOnADeliveryThatIsStillOurs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome  Outcome
		state    DeliveryState
		attempt  int
		due      time.Time
		entries  []incident.EntryType
		followUp bool
	}{
		"accepted":        {outcome: sent(ClassAccepted, Accepted, nil), state: Accepted, attempt: 1, due: noon, entries: []incident.EntryType{incident.EntrySent, incident.EntryAccepted}},
		"retry":           {outcome: sent(ClassRetry, Scheduled, nil), state: Scheduled, attempt: 1, due: soon, entries: []incident.EntryType{incident.EntryRetrying}},
		"throttled":       {outcome: sent(ClassDeviceThrottled, Scheduled, nil), state: Scheduled, attempt: 1, due: soon, entries: []incident.EntryType{incident.EntryRetrying}},
		"given up":        {outcome: sent(ClassRetry, Failed, nil), state: Failed, attempt: 1, due: noon, entries: []incident.EntryType{incident.EntryFailed}},
		"our bug":         {outcome: sent(ClassPayloadBug, Failed, nil), state: Failed, attempt: 1, due: noon, entries: []incident.EntryType{incident.EntryFailed}},
		"our key":         {outcome: sent(ClassConfigBroken, Scheduled, nil), state: Scheduled, attempt: 0, due: soon, entries: []incident.EntryType{incident.EntryRetrying}},
		"cut by shutdown": {outcome: sent(ClassCut, Scheduled, nil), state: Scheduled, attempt: 0, due: soon},
		"put off":         {outcome: sent("", Scheduled, func(o *Outcome) { o.SentAt = time.Time{} }), state: Scheduled, attempt: 0, due: soon},
		"expired unsent":  {outcome: sent("", Expired, func(o *Outcome) { o.SentAt = time.Time{} }), state: Expired, attempt: 0, due: noon, entries: []incident.EntryType{incident.EntryExpired}},
		"no longer wanted": {outcome: sent("", Cancelled, func(o *Outcome) { o.SentAt = time.Time{} }), state: Cancelled, attempt: 0, due: noon,
			entries: []incident.EntryType{incident.EntryCancelled}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := c.outcome.Apply(c.outcome.Job.Delivery, c.outcome.Job.Device)
			d := v.Delivery
			if d.State != c.state || d.Attempt != c.attempt || !d.DueAt.Equal(c.due) {
				t.Errorf("got %s, attempt %d, due %v; want %s, %d, %v", d.State, d.Attempt, d.DueAt, c.state, c.attempt, c.due)
			}
			if !d.LeaseUntil.IsZero() || d.LeaseNode != "" {
				t.Errorf("the lease is kept: %v %q", d.LeaseUntil, d.LeaseNode)
			}
			if got := types(v.Entries); !slices.Equal(got, c.entries) {
				t.Errorf("the timeline says %v, want %v", got, c.entries)
			}
			if v.DeviceState != "" || v.FollowUp != nil {
				t.Errorf("device becomes %q, follow-up %v; want neither", v.DeviceState, v.FollowUp)
			}
		})
	}
}

func types(entries []incident.Entry) []incident.EntryType {
	var out []incident.EntryType
	for _, e := range entries {
		out = append(out, e.Type)
	}
	return out
}

func TestVerdictTellsAllThatIsKnown(t *testing.T) {
	t.Parallel()
	o := sent(ClassAccepted, Accepted, func(o *Outcome) { o.Result.ProviderID = "apns-7" })
	got := o.Apply(o.Job.Delivery, o.Job.Device).Entries
	detail := incident.Detail{
		NotificationID: "ntf_1", DeliveryID: "dlv_1", Kind: "page", UserID: "usr_1", DeviceID: "dev_1",
		Method: "push", Provider: "apns", Attempt: 1,
	}
	yes := detail
	yes.ProviderID, yes.Class, yes.LatencyMS = "apns-7", "accepted", 40
	want := []incident.Entry{
		{IncidentID: "inc_1", Revision: 3, Type: incident.EntrySent, At: noon, Actor: incident.System, Detail: detail},
		{IncidentID: "inc_1", Revision: 3, Type: incident.EntryAccepted, At: noon.Add(40 * time.Millisecond), Actor: incident.System, Detail: yes},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	o = sent(ClassRetry, Scheduled, func(o *Outcome) { o.Why = "because of that" })
	e := o.Apply(o.Job.Delivery, o.Job.Device).Entries[0].Detail
	if e.Reason != "Because" || e.Text != "because of that" || e.Class != "retry" || e.Until == nil || !e.Until.Equal(soon) {
		t.Errorf("a retry is told as %+v; want reason, text, class and until", e)
	}
}

// I8: only proof removes a device.
func TestVerdictOnTheDevice(t *testing.T) {
	t.Parallel()
	since := func(at time.Time) func(*Outcome) {
		return func(o *Outcome) { o.Result.Since, o.RetryAt = at, soon }
	}
	again := func(o *Outcome) { o.RetryAt = soon }
	for name, c := range map[string]struct {
		outcome Outcome
		dev     func(*Device)
		want    DeviceState
		state   DeliveryState
	}{
		"gone since after the registration":       {outcome: sent(ClassTokenDead, Failed, since(registered.Add(time.Minute))), want: DeviceDead, state: Failed},
		"gone since before the registration":      {outcome: sent(ClassTokenDead, Failed, since(registered.Add(-time.Minute))), want: "", state: Scheduled},
		"gone since the moment of registration":   {outcome: sent(ClassTokenDead, Failed, since(registered)), want: "", state: Scheduled},
		"gone, no moment given":                   {outcome: sent(ClassTokenDead, Failed, again), want: DeviceDead, state: Failed},
		"registered again while in flight":        {outcome: sent(ClassTokenDead, Failed, again), dev: func(d *Device) { d.RegisteredAt = noon.Add(time.Millisecond) }, want: "", state: Scheduled},
		"registered at the moment of sending":     {outcome: sent(ClassTokenDead, Failed, again), dev: func(d *Device) { d.RegisteredAt = noon }, want: DeviceDead, state: Failed},
		"another token since":                     {outcome: sent(ClassTokenDead, Failed, again), dev: func(d *Device) { d.Token = "t2" }, want: "", state: Scheduled},
		"another token since, no time left":       {outcome: sent(ClassTokenDead, Failed, nil), dev: func(d *Device) { d.Token = "t2" }, want: "", state: Failed},
		"already dead":                            {outcome: sent(ClassTokenDead, Failed, again), dev: func(d *Device) { d.State = DeviceDead }, want: "", state: Failed},
		"suspect":                                 {outcome: sent(ClassTokenSuspect, Failed, again), want: DeviceSuspect, state: Failed},
		"suspect, but the token was replaced":     {outcome: sent(ClassTokenSuspect, Failed, again), dev: func(d *Device) { d.Token = "t2" }, want: "", state: Scheduled},
		"a suspicion does not soften death":       {outcome: sent(ClassTokenSuspect, Failed, again), dev: func(d *Device) { d.State = DeviceDead }, want: "", state: Failed},
		"an acceptance clears a suspicion":        {outcome: sent(ClassAccepted, Accepted, nil), dev: func(d *Device) { d.State = DeviceSuspect }, want: DeviceActive, state: Accepted},
		"an acceptance of the old token does not": {outcome: sent(ClassAccepted, Accepted, nil), dev: func(d *Device) { d.State = DeviceSuspect; d.Token = "t2" }, want: "", state: Accepted},
		"our own broken key touches no device":    {outcome: sent(ClassConfigBroken, Scheduled, nil), want: "", state: Scheduled},
		"a provider in trouble touches no device": {outcome: sent(ClassProviderDown, Scheduled, nil), want: "", state: Scheduled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dev := c.outcome.Job.Device
			if c.dev != nil {
				c.dev(&dev)
			}
			v := c.outcome.Apply(c.outcome.Job.Delivery, dev)
			if v.DeviceState != c.want || v.Delivery.State != c.state {
				t.Errorf("device becomes %q, delivery %s; want %q, %s", v.DeviceState, v.Delivery.State, c.want, c.state)
			}
		})
	}
}

// The row was finished by somebody else while the push was on its way.
func TestVerdictThatComesLate(t *testing.T) {
	t.Parallel()
	noAnswer := func(o *Outcome) { o.Result.Status = 0 }
	for name, c := range map[string]struct {
		outcome  Outcome
		was      DeliveryState
		state    DeliveryState
		entries  int
		followUp bool
	}{
		"acknowledged, then accepted":         {outcome: sent(ClassAccepted, Accepted, nil), was: Cancelled, state: Accepted, entries: 2, followUp: true},
		"expired, then accepted":              {outcome: sent(ClassAccepted, Accepted, nil), was: Expired, state: Accepted, entries: 2, followUp: true},
		"failed elsewhere, then accepted":     {outcome: sent(ClassAccepted, Accepted, nil), was: Failed, state: Accepted, entries: 2},
		"accepted twice":                      {outcome: sent(ClassAccepted, Accepted, nil), was: Accepted, state: Accepted},
		"acknowledged, then refused":          {outcome: sent(ClassRetry, Scheduled, nil), was: Cancelled, state: Cancelled},
		"acknowledged, no answer: may ring":   {outcome: sent(ClassRetry, Scheduled, noAnswer), was: Cancelled, state: Cancelled, followUp: true},
		"acknowledged, cut: may ring":         {outcome: sent(ClassCut, Scheduled, noAnswer), was: Cancelled, state: Cancelled, followUp: true},
		"acknowledged, never left":            {outcome: sent("", Expired, func(o *Outcome) { o.SentAt, o.Result = time.Time{}, Result{} }), was: Cancelled, state: Cancelled},
		"failed here, accepted elsewhere":     {outcome: sent(ClassPayloadBug, Failed, nil), was: Accepted, state: Accepted},
		"a settle accepted after its cancel":  {outcome: sent(ClassAccepted, Accepted, func(o *Outcome) { o.Job.Delivery.Kind = Settle }), was: Cancelled, state: Accepted, entries: 2},
		"acknowledged, our key was not taken": {outcome: sent(ClassConfigBroken, Scheduled, noAnswer), was: Cancelled, state: Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := c.outcome.Job.Delivery
			row.State = c.was
			v := c.outcome.Apply(row, c.outcome.Job.Device)
			if v.Delivery.State != c.state || len(v.Entries) != c.entries || (v.FollowUp != nil) != c.followUp {
				t.Errorf("got %s, %v, follow-up %v; want %s, %d entries, %v",
					v.Delivery.State, types(v.Entries), v.FollowUp != nil, c.state, c.entries, c.followUp)
			}
			if f := v.FollowUp; f != nil {
				want := &Delivery{
					Kind: Settle, IncidentID: "inc_1", Revision: 3, UserID: "usr_1", DeviceID: "dev_1", State: Scheduled,
					DueAt: c.outcome.DoneAt, ExpiresAt: c.outcome.DoneAt.Add(followUpLife), CreatedAt: c.outcome.DoneAt,
				}
				if c.was == Expired { // its level was over
					want.About = &About{Topic: TopicEscalated}
				}
				if diff := cmp.Diff(want, f); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// A commit whose answer was lost is recorded again.
func TestVerdictTwiceChangesNothingTwice(t *testing.T) {
	t.Parallel()
	for _, o := range []Outcome{
		sent(ClassAccepted, Accepted, nil), sent(ClassRetry, Scheduled, nil), sent(ClassPayloadBug, Failed, nil),
		sent(ClassTokenDead, Failed, nil), sent("", Expired, func(o *Outcome) { o.SentAt = time.Time{} }),
	} {
		first := o.Apply(o.Job.Delivery, o.Job.Device)
		dev := o.Job.Device
		if first.DeviceState != "" {
			dev.State = first.DeviceState
		}
		second := o.Apply(first.Delivery, dev)
		if second.Delivery != first.Delivery || len(second.Entries) > 0 || second.DeviceState != "" || second.FollowUp != nil {
			t.Errorf("%s twice: %+v", o.Result.Class, second)
		}
	}
}

// Our lease ran out and another node has the delivery now.
func TestVerdictLeavesAnotherNodesLeaseAlone(t *testing.T) {
	t.Parallel()
	o := sent(ClassRetry, Scheduled, nil)
	row := o.Job.Delivery
	row.LeaseNode, row.LeaseUntil, row.DueAt = "b", noon.Add(2*time.Minute), noon.Add(time.Second)
	d := o.Apply(row, o.Job.Device).Delivery
	if d.LeaseNode != "b" || !d.LeaseUntil.Equal(row.LeaseUntil) || !d.DueAt.Equal(row.DueAt) {
		t.Errorf("the other node's lease became %q until %v, due %v", d.LeaseNode, d.LeaseUntil, d.DueAt)
	}
}
