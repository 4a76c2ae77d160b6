package push

import (
	"fmt"
	"net/http"
	"time"
)

// Steps between attempts. Apple's answers come in milliseconds and it asks
// for no pause, so pages try again quickly; Google asks for at least ten
// seconds before the first retry. The last step repeats.
//
//nolint:gochecknoglobals // tables that nothing writes to
var (
	apnsSteps     = []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second}
	fcmSteps      = []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute}
	throttleSteps = []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}
	// quotaSteps: Google wants at least 60 s when a project's quota ran out
	// and it gave no Retry-After.
	quotaSteps = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute}
)

const (
	// pageAttempts and quietAttempts bound the sends of one delivery; a page's
	// real bound is its ExpiresAt.
	pageAttempts  = 20
	quietAttempts = 6
)

// retry decides what follows from an answer: final, or again and when.
type retry struct {
	rand  func() float64 // [0,1)
	probe time.Duration  // how often a lane with a broken configuration is tried
}

// decide fills Final, RetryAt and Why of an outcome that was sent.
func (r retry) decide(o *Outcome) {
	switch o.Result.Class {
	case ClassAccepted:
		o.Final = Accepted
	case ClassCut:
		o.Final, o.RetryAt = Scheduled, o.DoneAt
	case ClassConfigBroken:
		r.later(o, o.DoneAt.Add(r.probe))
	case ClassPayloadBug, ClassTooLarge:
		o.Final = Failed
		o.Why = "the provider refuses the message's form; this is a bug in Nightbell, please report it with the reason given"
	case ClassTokenDead, ClassTokenSuspect:
		o.Final = Failed
		o.RetryAt = r.ifRegisteredAgain(*o)
	default:
		r.again(o)
	}
}

// again schedules the next attempt, or says why there is none.
func (r retry) again(o *Outcome) {
	d := &o.Job.Delivery
	if n := d.Attempt + 1; n >= maxAttempts(d.Kind) {
		o.Final, o.Why = Failed, fmt.Sprintf("given up after %d attempts", n)
		return
	}
	if wish := o.Result.RetryAfter; wish > 0 {
		// A little more than asked, so that a crowd does not return at once.
		r.later(o, o.DoneAt.Add(wish+time.Duration(r.rand()*float64(wish)/10)))
		return
	}
	r.later(o, o.DoneAt.Add(r.wait(o)))
}

// later sets the next attempt if the delivery is still wanted then.
func (r retry) later(o *Outcome, at time.Time) {
	if d := &o.Job.Delivery; expires(d) && !at.Before(d.ExpiresAt) {
		o.Final = Failed
		o.Why = fmt.Sprintf("the next attempt could only be %s from now, after the delivery expires",
			at.Sub(o.DoneAt).Round(time.Second))
		return
	}
	o.Final, o.RetryAt = Scheduled, at
}

// ifRegisteredAgain is when to try a token that the provider called gone,
// should the rows say that it has been registered again since.
func (r retry) ifRegisteredAgain(o Outcome) time.Time {
	r.again(&o)
	return o.RetryAt
}

// wait is our own backoff. A wait that would pass the expiry is shortened to
// half of what is left, if that is still polite: a page is worth one more try.
func (r retry) wait(o *Outcome) time.Duration {
	steps := stepsOf(o)
	d := &o.Job.Delivery
	wait := r.jitter(o.Job.Device.Provider, steps[min(d.Attempt, len(steps)-1)])
	left := d.ExpiresAt.Sub(o.DoneAt)
	if expires(d) && wait >= left && left/2 >= steps[0] {
		return left / 2
	}
	return wait
}

// jitter spreads a step evenly around itself (half to one and a half), for FCM
// only upwards, because its first step is a floor.
func (r retry) jitter(p Provider, step time.Duration) time.Duration {
	if p == FCM {
		return step + time.Duration(r.rand()*float64(step)/2)
	}
	return step/2 + time.Duration(r.rand()*float64(step))
}

func stepsOf(o *Outcome) []time.Duration {
	switch {
	case o.Result.Class == ClassDeviceThrottled:
		return throttleSteps
	case o.Result.Status == http.StatusTooManyRequests && o.Job.Device.Provider == FCM:
		return quotaSteps
	case o.Job.Device.Provider == FCM:
		return fcmSteps
	default:
		return apnsSteps
	}
}

func maxAttempts(k Kind) int {
	if k == Page {
		return pageAttempts
	}
	return quietAttempts
}

// expires reports whether d has an end; one without is only bounded by attempts.
func expires(d *Delivery) bool { return !d.ExpiresAt.IsZero() }
