package push

import "time"

// Evidence is what a provider has said of a device's token since the app last
// presented it: what the device's state rests on. It is comparable; the zero
// value says that nothing was held against the token.
type Evidence struct {
	// Class, Reason, Status and At are of the last refusal, DeliveryID of the
	// push that was refused.
	Class      Class     `json:"class,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	Status     int       `json:"status,omitempty"`
	At         time.Time `json:"at,omitzero"`
	DeliveryID string    `json:"delivery_id,omitempty"`
	// Refusals are how many there were without an acceptance between them, the
	// first of them at FirstAt.
	Refusals int       `json:"refusals,omitempty"`
	FirstAt  time.Time `json:"first_at,omitzero"`
	// Home is the environment that the app named, once the other one was tried:
	// while Trial is set, the device is in the other one on probation. Without
	// Trial the question is settled, and the other one is not tried again.
	Home  string `json:"home,omitempty"`
	Trial bool   `json:"trial,omitempty"`
}

// A suspect dies when it was refused so often, over so long, without one
// acceptance between. One refusal may be our doing (a wrong environment, a
// relay that mangles tokens), and so may a burst; three over a day are the
// provider's steady word on a token it does not know.
const (
	proofRefusals = 3
	proofTime     = 24 * time.Hour
)

// clockSkew is how far a provider's clock and ours may be apart: a token said
// to be gone since less than that after its registration may as well have been
// registered after it was gone. Machines under NTP agree within milliseconds;
// this forgives one that has drifted, and an app that is really gone is found
// out by the next answers instead.
const clockSkew = 15 * time.Second

// refused notes one more refusal.
func (e Evidence) refused(o Outcome) Evidence {
	at := stamp(o.DoneAt)
	if e.Refusals == 0 {
		e.FirstAt = at
	}
	e.Refusals++
	e.Class, e.Reason, e.Status, e.At, e.DeliveryID = o.Result.Class, o.Result.Reason, o.Result.Status, at, o.Job.Delivery.ID
	return e
}

// knows reports whether the outcome was noted before.
func (e Evidence) knows(o Outcome) bool {
	return e.DeliveryID == o.Job.Delivery.ID && e.At.Equal(stamp(o.DoneAt))
}

// proven reports whether the refusals together prove the device's token dead.
// Only those count that speak of the token: a wrong topic, project or key of
// Web Push is our configuration more often than not, and stays a suspicion. So
// does whatever is held against an address: a relay that does not know us, or a
// country that is switched off, says the same every day.
func (e Evidence) proven(dev Device) bool {
	switch e.Reason {
	case "DeviceTokenNotForTopic", "SENDER_ID_MISMATCH", VAPIDMismatch, "VapidPkHashMismatch":
		return false
	}
	if dev.TargetKind == AddressTarget {
		return false
	}
	return e.Refusals >= proofRefusals && e.At.Sub(e.FirstAt) >= proofTime
}

// Presented is the device after the app has presented its token: alive
// whatever was believed of it (I8). known is the device as it was; when its
// token and app are the same, an environment that was corrected stays so.
func (d Device) Presented(known Device) Device {
	d.State, d.StateReason, d.StateAt, d.Evidence = DeviceActive, "", d.RegisteredAt, Evidence{}
	same := known.Provider == d.Provider && known.App == d.App && known.Token == d.Token
	if home := known.Evidence.Home; same && home != "" && !known.Evidence.Trial && home != known.Environment {
		// A token belongs to one environment for ever; the app is mistaken still.
		d.Environment, d.Evidence = known.Environment, Evidence{Home: home}
	}
	return d
}

// Environments of APNs.
const (
	production = "production"
	sandbox    = "sandbox"
)

// elsewhere is the other environment.
func elsewhere(environment string) string {
	if environment == sandbox {
		return production
	}
	return sandbox
}
