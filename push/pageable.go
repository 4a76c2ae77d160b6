package push

import (
	"fmt"
	"strings"
	"time"
)

// Outlook is whether a page would wake somebody, as far as can be known.
type Outlook string

const (
	// WillRing: at least one device should ring, and nothing speaks against it.
	WillRing Outlook = "will_ring"
	// MayRing: a device should, but something makes it uncertain.
	MayRing Outlook = "may_ring"
	// WillNotRing: every way is blocked.
	WillNotRing Outlook = "will_not_ring"
)

// Obstacle is one thing between a page and a person's ear.
type Obstacle struct {
	// Code is for programs, Text a few words for people ("notifications off").
	Code string
	Text string
	// Blocks: with this alone, the device does not ring.
	Blocks bool
	// DeviceID is the device it is about; empty: the person.
	DeviceID string
}

// Silence is what was sent to a device since it last reported anything.
type Silence struct {
	// Sent are the pushes that the provider accepted and that show themselves,
	// Since the moment of the first.
	Sent  int
	Since time.Time
	// Probe is the moment of the first unanswered probe; zero: none.
	Probe time.Time
}

// Way is a device as a way to its owner.
type Way struct {
	Device  Device
	Silence Silence
	// Trouble is why nothing gets through to the device's provider; empty: it does.
	Trouble string
}

// Facts are what is known of a person.
type Facts struct {
	Disabled bool
	// Ruled: a notification rule for high urgency leads to one of the ways.
	// Without any, all of them are rung at once.
	Ruled bool
	Ways  []Way
}

// Ring is the verdict on a person: would a page wake them?
type Ring struct {
	Outlook   Outlook
	Obstacles []Obstacle
}

// Pageable reports whether a page has any way to get through.
func (r Ring) Pageable() bool { return r.Outlook != WillNotRing }

// When a silent device counts as unreachable: three pushes that it has not
// acknowledged, the first a day ago. One receipt may be lost, and a phone may
// be off for a night; both together are no accident.
const (
	silentPushes = 3
	silentTime   = 24 * time.Hour
	// probeTime is how long a probe may be unanswered: systems hold silent
	// pushes back for a while.
	probeTime = time.Hour
)

// Pageability judges what is known of a person at a moment.
func Pageability(f Facts, now time.Time) Ring {
	r := Ring{Outlook: WillNotRing}
	if f.Disabled {
		r.Obstacles = []Obstacle{{Code: "user_disabled", Text: "the account is disabled", Blocks: true}}
		return r
	}
	dead := 0
	for _, w := range f.Ways {
		found, outlook := w.judge(now)
		r.Obstacles = append(r.Obstacles, found...)
		r.Outlook = better(r.Outlook, outlook)
		if w.Device.State == DeviceDead {
			dead++
		}
	}
	switch {
	case len(f.Ways) == 0:
		r.Obstacles = append(r.Obstacles, Obstacle{Code: "no_device", Text: "no device", Blocks: true})
	case dead == len(f.Ways):
		r.Obstacles = []Obstacle{{Code: "all_dead", Text: "the app is gone from every device", Blocks: true}}
	case !f.Ruled:
		r.Obstacles = append(r.Obstacles, Obstacle{Code: "no_rule", Text: "no notification rule that can be used, so every device is rung at once"})
	}
	return r
}

func better(a, b Outlook) Outlook {
	if a == WillRing || b == WillRing {
		return WillRing
	}
	if a == MayRing || b == MayRing {
		return MayRing
	}
	return WillNotRing
}

// judge finds what stands in one device's way.
func (w Way) judge(now time.Time) (found []Obstacle, outlook Outlook) {
	if w.Device.State == DeviceDead {
		return []Obstacle{{Code: "token_dead", Text: "the app is gone (" + w.Device.StateReason + ")", Blocks: true, DeviceID: w.Device.ID}}, WillNotRing
	}
	outlook = WillRing
	for _, list := range [][]Obstacle{w.muffled(), w.unreached(now)} {
		for _, o := range list {
			o.DeviceID = w.Device.ID
			found = append(found, o)
			switch {
			case o.Blocks:
				outlook = WillNotRing
			case outlook == WillRing:
				outlook = MayRing
			}
		}
	}
	return found, outlook
}

// muffled is what the phone itself says, worst first.
func (w Way) muffled() []Obstacle {
	if w.Device.TargetKind == AddressTarget {
		switch {
		case w.Device.VerifiedAt.IsZero():
			return []Obstacle{{Code: "not_verified", Text: "an address not verified", Blocks: true}}
		case w.Device.Provider == Email || w.Device.Provider == Webhook:
			return []Obstacle{{Code: "makes_no_sound", Text: string(w.Device.Provider) + " makes no sound"}}
		}
		return nil
	}
	c, found := w.Device.Capabilities, []Obstacle(nil)
	for _, o := range []struct {
		is         bool
		blocks     bool
		code, text string
	}{
		{!c.Alerts || c.Permission == PermissionDenied, true, "notifications_off", "notifications off"},
		{c.Alerts && c.Permission == PermissionProvisional, true, "notifications_silent", "notifications arrive silently"},
		{c.ChannelImportance == ImportanceNone, true, "channel_blocked", "the channel for pages is blocked"},
		{c.ChannelImportance == ImportanceMin || c.ChannelImportance == ImportanceLow, true, "channel_quiet", "the channel for pages makes no sound"},
		{c.Alerts && c.Sound == No && !c.Critical, true, "sound_off", "sound off"},
		{c.BackgroundRestricted == Yes, true, "background_restricted", "the app may not work in the background"},
		{w.Device.Platform != Web && c.Alerts && !c.Critical, false, "critical_not_granted", "a mute switch or Do Not Disturb silences it"},
		{c.BatteryExempt == No, false, "battery_optimised", "battery saving may hold pages back"},
		{c.LowPower == Yes, false, "low_power", "in power-saving mode"},
		{c.DeliveredPriority == PriorityNormal && c.OriginalPriority == PriorityHigh, false, "priority_lowered", "FCM has lowered its priority"},
		{c.LockScreen == No, false, "lock_screen_off", "not shown on the lock screen"},
		{w.Device.Platform != Web && w.Device.AppVersion == "", false, "version_unknown", "app version unknown"},
	} {
		if o.is {
			found = append(found, Obstacle{Code: o.code, Text: o.text, Blocks: o.blocks})
		}
	}
	return found
}

// unreached is what speaks against pushes arriving there at all.
func (w Way) unreached(now time.Time) (found []Obstacle) {
	d, s := w.Device, w.Silence
	silent := s.Sent >= silentPushes && now.Sub(s.Since) >= silentTime
	switch {
	case w.Trouble != "":
		found = append(found, Obstacle{Code: "lane_paused", Text: w.Trouble, Blocks: true})
	case d.State == DeviceSuspect:
		found = append(found, Obstacle{Code: "token_suspect", Text: "its token was refused (" + d.StateReason + ")", Blocks: true})
	case d.Evidence.Refusals > 0:
		found = append(found, Obstacle{Code: "token_doubted", Text: "its token was refused (" + d.Evidence.Reason + ")"})
	}
	switch {
	case d.TargetKind == AddressTarget:
	case silent && !d.LastReceiptAt.IsZero():
		found = append(found, Obstacle{Code: "no_receipt", Text: "no receipt in " + days(now.Sub(d.LastReceiptAt)), Blocks: true})
	case silent:
		// An app that has never sent a receipt may be one that cannot.
		found = append(found, Obstacle{Code: "never_a_receipt", Text: fmt.Sprintf("never a receipt, for %d pushes", s.Sent)})
	case !s.Probe.IsZero() && now.Sub(s.Probe) >= probeTime:
		found = append(found, Obstacle{Code: "probe_unanswered", Text: "a probe was not answered"})
	}
	return found
}

// days says a duration of a day or more in whole days.
func days(d time.Duration) string {
	n := int(d / (24 * time.Hour))
	if n <= 1 {
		return "a day"
	}
	return fmt.Sprintf("%d days", n)
}

// Summary says the verdict of a person in one line: "Ben: notifications off;
// no receipt in 9 days". What blocks is told before what only makes it
// uncertain, and that not at all while something blocks.
func (r Ring) Summary(name string) string {
	said := r.texts(r.Outlook == WillNotRing)
	switch {
	case r.Outlook == WillRing:
		return name + ": will ring"
	case len(said) == 0:
		return name + ": may ring"
	}
	return name + ": " + strings.Join(said, "; ")
}

// Reasons is the summary without a name.
func (r Ring) Reasons() string { return strings.Join(r.texts(r.Outlook == WillNotRing), "; ") }

func (r Ring) texts(blocking bool) (out []string) {
	seen := map[string]bool{}
	for _, o := range r.Obstacles {
		if o.Blocks == blocking && !seen[o.Text] {
			seen[o.Text] = true
			out = append(out, o.Text)
		}
	}
	return out
}
