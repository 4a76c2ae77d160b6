package push

import (
	"cmp"
	"time"

	"github.com/nightbell/nightbell/incident"
)

// followUpLife is how long the settle of a page that left too late is worth
// sending: a phone switched on an hour later syncs when its app opens.
const followUpLife = time.Hour

// Apply judges the outcome against the rows as they are now, inside the
// store's transaction. It is pure: the same rows give the same verdict, so the
// transaction may run it twice.
//
// current may have moved on since it was claimed: cancelled by an
// acknowledgement, expired, or recorded by another node after a lease ran out.
// dev may have registered again. What truly happened is written all the same
// (I10), and never twice.
//
// Recording an outcome twice changes nothing the second time.
func (o Outcome) Apply(current Delivery, dev Device) Verdict {
	v := Verdict{Delivery: current}
	again := false
	if current.Kind == Activity {
		v.EndActivity = o.endsActivity()
	} else {
		again = o.judgeDevice(&v, dev) && !o.RetryAt.IsZero()
	}
	switch {
	case current.State != Scheduled:
		o.applyLate(&v)
		return v
	case (again || o.Final == Scheduled) && o.counts() && current.Attempt > o.Job.Delivery.Attempt:
		return v // recorded before, by a commit whose answer was lost
	}
	o.applyState(&v, again)
	o.tell(&v)
	return v
}

// applyState moves a delivery that is still scheduled.
func (o Outcome) applyState(v *Verdict, again bool) {
	d := &v.Delivery
	if o.counts() {
		d.Attempt++
	}
	d.State = o.Final
	if again {
		d.State = Scheduled
	}
	if v.Environment != "" {
		d.State = v.afterMove(o)
	}
	if d.State == Scheduled {
		if !o.holdsLease(*d) {
			return // its new holder decides when
		}
		d.DueAt = stamp(o.RetryAt)
		if o.RetryAt.IsZero() || v.Environment != "" {
			d.DueAt = stamp(o.DoneAt) // another environment is no reason to wait
		}
	}
	d.LeaseUntil, d.LeaseNode = time.Time{}, ""
}

// holdsLease reports whether no other node has taken the delivery over.
func (o Outcome) holdsLease(current Delivery) bool {
	return current.LeaseNode == "" || current.LeaseNode == o.Job.Delivery.LeaseNode
}

// applyLate handles an outcome whose delivery was finished by somebody else
// while it was on its way. Only an acceptance is still news: the phone rings.
func (o Outcome) applyLate(v *Verdict) {
	was := v.Delivery.State
	accepted := o.Result.Class == ClassAccepted
	if accepted && was != Accepted {
		v.Delivery.State = Accepted
		v.Delivery.Attempt++
		v.Delivery.LeaseUntil, v.Delivery.LeaseNode = time.Time{}, ""
		o.tell(v)
	}
	stopped := was == Cancelled || was == Expired
	if v.Delivery.Kind == Page && stopped && (accepted || o.mayHaveArrived()) && o.followed(accepted) {
		v.FollowUp = o.followUp(v.Delivery)
		if was == Expired { // its level was over: others are asked, and nobody has taken it away
			v.FollowUp.About = &About{Topic: TopicEscalated}
		}
	}
}

// mayHaveArrived: sent, and no answer came back. The phone may ring.
func (o Outcome) mayHaveArrived() bool {
	lost := o.Result.Class == ClassRetry || o.Result.Class == ClassCut
	return !o.SentAt.IsZero() && o.Result.Status == 0 && lost
}

// followed reports whether a settle makes sense there: an e-mail that may not
// have arrived is not followed by another.
func (o Outcome) followed(accepted bool) bool {
	dev := o.Job.Device
	return dev.Settles() && (accepted || dev.Provider != Email)
}

// followUp is the settle for a page that rang after it was no longer wanted.
func (o Outcome) followUp(page Delivery) *Delivery {
	at := stamp(o.DoneAt)
	return &Delivery{
		Kind: Settle, IncidentID: page.IncidentID, Revision: page.Revision,
		UserID: page.UserID, DeviceID: page.DeviceID, State: Scheduled,
		DueAt: at, ExpiresAt: at.Add(followUpLife), CreatedAt: at,
	}
}

// tell adds the timeline's words for what happened to v.Delivery, if it is
// worth a word: being put off or cut by our own shutdown is not.
func (o Outcome) tell(v *Verdict) {
	if v.Delivery.IncidentID == "" {
		return // no timeline to tell it on
	}
	switch v.Delivery.State {
	case Accepted:
		sent := o.entry(v.Delivery, incident.EntrySent, o.SentAt)
		accepted := o.entry(v.Delivery, incident.EntryAccepted, o.DoneAt)
		accepted.Detail.Class = string(o.Result.Class)
		accepted.Detail.ProviderID = o.Result.ProviderID
		accepted.Detail.KnockLevel, accepted.Detail.Downgrade = o.Level, o.Downgrade
		accepted.Detail.LatencyMS = o.DoneAt.Sub(o.SentAt).Milliseconds()
		accepted.Detail.Text = v.Why
		v.Entries = append(v.Entries, sent, accepted)
	case Scheduled:
		if o.SentAt.IsZero() || o.Result.Class == ClassCut {
			return
		}
		e := o.told(v, incident.EntryRetrying)
		until := v.Delivery.DueAt
		e.Detail.Until = &until
		v.Entries = append(v.Entries, e)
	case Failed:
		v.Entries = append(v.Entries, o.told(v, incident.EntryFailed))
	case Expired:
		v.Entries = append(v.Entries, o.told(v, incident.EntryExpired))
	case Cancelled:
		v.Entries = append(v.Entries, o.told(v, incident.EntryCancelled))
	}
}

// told is an entry that carries the provider's word and ours.
func (o Outcome) told(v *Verdict, t incident.EntryType) incident.Entry {
	e := o.entry(v.Delivery, t, o.DoneAt)
	e.Detail.Class, e.Detail.Reason, e.Detail.Text = string(o.Result.Class), o.Result.Reason, cmp.Or(v.Why, o.Why)
	return e
}

// entry fills what every word about a delivery carries.
func (o Outcome) entry(d Delivery, t incident.EntryType, at time.Time) incident.Entry {
	return incident.Entry{
		IncidentID: d.IncidentID, Revision: d.Revision, Type: t, At: stamp(at), Actor: incident.System,
		Detail: incident.Detail{
			NotificationID: d.NotificationID, DeliveryID: d.ID, Kind: string(d.Kind),
			UserID: d.UserID, DeviceID: d.DeviceID, Method: o.Job.Device.Method(),
			Provider: string(o.Job.Device.Provider), Attempt: d.Attempt,
		},
	}
}

// stamp is a moment as the database keeps it: UTC, microseconds.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
