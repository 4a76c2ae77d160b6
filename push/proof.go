package push

import "fmt"

// judgeDevice decides what the answer proves about the device's token. again is
// true when the delivery is worth another try: the provider spoke of a
// registration that is over, or of another environment.
func (o Outcome) judgeDevice(v *Verdict, dev Device) (again bool) {
	switch o.Result.Class {
	case ClassAccepted:
		if o.about(dev) {
			o.clear(v, dev)
		}
	case ClassConfigBroken:
		if o.about(dev) && dev.Evidence.Trial {
			o.goHome(v, dev, dev.Evidence)
		}
	case ClassTokenSuspect, ClassTokenDead:
		if !o.about(dev) {
			return true
		}
		if dev.State == DeviceDead {
			return false
		}
		if dev.Evidence.knows(o) {
			return true // recorded before; if that was to try again, it stays so
		}
		if dev.RegisteredAt.After(o.SentAt) {
			return true // presented while the push was on its way: that wins
		}
		return o.refused(v, dev)
	}
	return false
}

// about reports whether the answer is about the token, and the environment,
// that the device has now.
func (o Outcome) about(dev Device) bool {
	return dev.Token == o.Job.Device.Token && dev.Environment == o.Job.Device.Environment
}

// clear undoes what was held against a token that works after all, and ends a
// trial: the device is where it belongs.
func (o Outcome) clear(v *Verdict, dev Device) {
	if dev.State == DeviceSuspect {
		v.DeviceState = DeviceActive
	}
	if e := dev.Evidence; e.Refusals > 0 || e.Trial {
		v.Evidence = &Evidence{Home: e.Home}
		if e.Trial {
			v.Why = fmt.Sprintf("the token is of APNs %s: the device was registered for %s and has been corrected", dev.Environment, e.Home)
		}
	}
}

// refused weighs an answer against the token.
func (o Outcome) refused(v *Verdict, dev Device) (again bool) {
	e := dev.Evidence.refused(o)
	v.Evidence = &e
	switch {
	case o.Result.Class == ClassTokenDead && o.provesDead(dev), e.proven(dev) && !e.Trial:
		v.DeviceState, v.DeviceReason = DeviceDead, o.Result.Reason
		e.Trial = false
	case o.Result.Class == ClassTokenDead:
		// Gone before it was registered, or just then: the answer may be about
		// the past. Repeated for long enough, it is proof all the same.
		return true
	case o.worthATrial(dev):
		e.Home, e.Trial = dev.Environment, true
		v.Environment = o.Elsewhere
		v.Why = fmt.Sprintf("APNs %s does not know the token; it is tried in %s once", dev.Environment, o.Elsewhere)
	case e.Trial:
		o.goHome(v, dev, e)
	default:
		o.suspect(v, dev)
	}
	return false
}

func (o Outcome) suspect(v *Verdict, dev Device) {
	if dev.State == DeviceActive {
		v.DeviceState, v.DeviceReason = DeviceSuspect, o.Result.Reason
	}
}

// worthATrial: a token registered for the wrong environment looks just like a
// bad one. One that has worked where it is, is not mistaken.
func (o Outcome) worthATrial(dev Device) bool {
	return o.Elsewhere != "" && !o.Proven && dev.Evidence.Home == ""
}

// goHome ends a trial that failed. Each environment has refused the token now,
// or cannot be used with our key.
func (o Outcome) goHome(v *Verdict, dev Device, e Evidence) {
	e.Trial = false
	v.Evidence, v.Environment = &e, e.Home
	v.Why = fmt.Sprintf("APNs %s does not take the token either; the device stays with %s", dev.Environment, e.Home)
	if dev.State == DeviceActive {
		v.DeviceState, v.DeviceReason = DeviceSuspect, e.Reason
	}
}

// afterMove is what becomes of a delivery whose device has changed its
// environment: tried again at once for a trial, over after one that failed.
func (v *Verdict) afterMove(o Outcome) DeliveryState {
	switch {
	case !v.Evidence.Trial:
		return Failed
	case expires(&v.Delivery) && !o.DoneAt.Before(v.Delivery.ExpiresAt):
		return Failed
	}
	return Scheduled
}

// provesDead is I8: "gone since T" only counts against a registration older
// than T, by more than two clocks may disagree. A provider that names no T
// spoke of the moment we asked, and what was registered since then never gets here.
func (o Outcome) provesDead(dev Device) bool {
	if !o.Result.Since.IsZero() {
		return dev.RegisteredAt.Add(clockSkew).Before(o.Result.Since)
	}
	return true
}
