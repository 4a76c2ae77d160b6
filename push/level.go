package push

import (
	"strings"

	"github.com/nightbell/nightbell/incident"
)

// level is how hard the notification knocks.
type level string

const (
	levelCritical level = "critical"       // through mute and Focus
	levelUrgent   level = "time-sensitive" // through Focus
	levelActive   level = "active"         // sound, like any app
	levelPassive  level = "passive"        // silently rewritten
	levelSilent   level = "silent"         // nothing is shown
)

// Why a push knocks less hard than it should, as Message.Downgrade and the
// timeline say it.
const (
	notAllowed       = "notifications not allowed by the phone"
	notCritical      = "critical not granted by the phone"
	notTimeSensitive = "critical and time-sensitive not granted by the phone"
	notInABrowser    = "critical not known to browsers"
	noSealingKey     = "no sealing key"
)

// rings reports whether the push shall wake somebody: a page, or a test that
// shows what a page is like. Nothing else may ask for high priority: Google
// slows down apps that use it for silence, and Apple counts it.
func rings(d *Delivery) bool {
	return d.Kind == Page || d.Kind == Test && d.About != nil && d.About.Loud
}

// levelOf follows the urgency as far as the person has allowed: asking for
// more than was granted is quietly lowered by the phone, so we ask honestly,
// and say what was missing.
func levelOf(j *Job) (l level, downgrade string) {
	l, downgrade = wished(j)
	can := j.Device.Capabilities
	if l != levelSilent && j.Device.TargetKind != AddressTarget && (!can.Alerts || can.ChannelImportance == ImportanceNone) {
		downgrade = notAllowed
	}
	return l, downgrade
}

func wished(j *Job) (l level, downgrade string) {
	switch j.Delivery.Kind {
	case Page:
		if j.Content.Urgency != incident.High {
			return levelActive, ""
		}
		return hardest(j.Device)
	case Test:
		if rings(&j.Delivery) {
			return hardest(j.Device)
		}
		return levelPassive, ""
	case Digest, Notice:
		return levelActive, ""
	case Probe, Activity:
		return levelSilent, ""
	default:
		return levelPassive, ""
	}
}

// hardest is the most this device lets through.
func hardest(d Device) (l level, downgrade string) {
	switch can := d.Capabilities; {
	case d.TargetKind == AddressTarget: // a mail is a mail
		return levelActive, ""
	case d.Platform == Web:
		return levelActive, notInABrowser
	case can.Critical:
		return levelCritical, ""
	case can.TimeSensitive || d.Platform == Android:
		return levelUrgent, notCritical
	default:
		return levelActive, notTimeSensitive
	}
}

// volume is how loud a critical alert rings, from 0 to 1.
func volume(s incident.Severity) float64 {
	switch s {
	case incident.Error:
		return 0.9
	case incident.Warning:
		return 0.8
	case incident.Info:
		return 0.7
	default:
		return 1
	}
}

// channel is the Android notification channel of the level; the app makes
// these four, and the person may tune each.
func (l level) channel() string {
	switch l {
	case levelCritical:
		return "nightbell_critical"
	case levelUrgent:
		return "nightbell_high"
	case levelActive:
		return "nightbell_default"
	case levelPassive:
		return "nightbell_quiet"
	default:
		return ""
	}
}

// both joins two reasons, either of which may be empty.
func both(a, b string) string { return strings.Trim(a+"; "+b, "; ") }
