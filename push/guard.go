package push

import (
	"fmt"
	"time"
)

// The mass-prune guard (I8): when many devices of one app are called gone at
// once, the likeliest reason is on our side, or the provider's: a wrong key or
// topic, a database restored from another instance, a retuning at Apple. Then
// nothing is judged for a while and somebody is told.
const (
	// GuardWindow is how long verdicts count together. A wave caused by one
	// incident's fan-out comes within seconds; ten minutes also see one that
	// arrives step by step as an escalation goes on.
	GuardWindow = 10 * time.Minute
	// GuardHold is how long an app's devices are not judged after that: time to
	// be woken by the alarm and to look. A dead token costs one refused push for
	// each page meanwhile, a wrongly buried one costs the page.
	GuardHold = time.Hour

	// guardFloor lets small instances tidy up: five phones replaced at once is a
	// team's delivery day. guardShare is one in ten: uninstalling is slower than
	// that by far, a few per cent of an app in a month.
	guardFloor = 5
	guardShare = 10
)

// Tally is how an app's devices have fared within the window.
type Tally struct {
	// Judged are those that became suspect or dead, Devices all that were not
	// dead when it began.
	Judged, Devices int
}

// Full reports whether one more may not be judged.
func (t Tally) Full() bool { return t.Judged >= max(guardFloor, t.Devices/guardShare) }

// Hold says that an app's devices are not judged.
type Hold struct {
	Provider Provider
	App      string
	Since    time.Time
	Until    time.Time
	// Judged and Devices are the tally that began it.
	Judged  int
	Devices int
	Reason  string
}

// Hold begins one.
func (t Tally) Hold(p Provider, app, reason string, now time.Time) Hold {
	return Hold{
		Provider: p, App: app, Since: now, Until: now.Add(GuardHold), Judged: t.Judged, Devices: t.Devices,
		Reason: fmt.Sprintf("%d of %d devices were called gone or doubtful within %s, the next with %s", t.Judged, t.Devices, GuardWindow, reason),
	}
}

// Judgement reports whether the verdict holds something against a device.
func (v Verdict) Judgement() bool {
	return v.DeviceState == DeviceSuspect || v.DeviceState == DeviceDead
}

// Spared is the verdict as far as it counts while nothing is judged: a device
// still changes its environment, so that a trial ends, but not its state.
func (v Verdict) Spared() Verdict {
	v.DeviceState, v.DeviceReason = "", ""
	if v.Environment == "" {
		v.Evidence = nil
	}
	return v
}

// On is the device after the verdict.
func (v Verdict) On(dev Device, at time.Time) Device {
	if v.DeviceState != "" {
		dev.State, dev.StateReason, dev.StateAt = v.DeviceState, v.DeviceReason, stamp(at)
	}
	if v.Environment != "" {
		dev.Environment = v.Environment
	}
	if v.Evidence != nil {
		dev.Evidence = *v.Evidence
	}
	return dev
}
