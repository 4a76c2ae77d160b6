package push

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// good is an iPhone that rings through everything.
func good() Way {
	return Way{Device: Device{
		ID: "dev_1", Platform: IOS, Provider: APNs, TargetKind: TokenTarget, State: DeviceActive, AppVersion: "1.4",
		Capabilities: Capabilities{Alerts: true, Critical: true, TimeSensitive: true}, LastReceiptAt: noon.Add(-9 * 24 * time.Hour),
	}}
}

func codes(r Ring) string {
	var out []string
	for _, o := range r.Obstacles {
		out = append(out, o.Code)
	}
	return strings.Join(out, " ")
}

func TestWillItRing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*Way)
		outlook Outlook
		codes   string
	}{
		"all granted":            {func(*Way) {}, WillRing, ""},
		"gone":                   {func(w *Way) { w.Device.State = DeviceDead }, WillNotRing, "all_dead"},
		"alerts off":             {func(w *Way) { w.Device.Capabilities = Capabilities{} }, WillNotRing, "notifications_off"},
		"permission denied":      {func(w *Way) { w.Device.Capabilities = Capabilities{Permission: PermissionDenied} }, WillNotRing, "notifications_off"},
		"provisional":            {func(w *Way) { w.Device.Capabilities.Permission = PermissionProvisional }, WillNotRing, "notifications_silent"},
		"channel blocked":        {func(w *Way) { w.Device.Capabilities.ChannelImportance = ImportanceNone }, WillNotRing, "channel_blocked"},
		"channel low":            {func(w *Way) { w.Device.Capabilities.ChannelImportance = ImportanceLow }, WillNotRing, "channel_quiet"},
		"channel default":        {func(w *Way) { w.Device.Capabilities.ChannelImportance = ImportanceDefault }, WillRing, ""},
		"sound off, critical on": {func(w *Way) { w.Device.Capabilities.Sound = No }, WillRing, ""},
		"sound off":              {func(w *Way) { w.Device.Capabilities.Sound, w.Device.Capabilities.Critical = No, false }, WillNotRing, "sound_off critical_not_granted"},
		"background restricted":  {func(w *Way) { w.Device.Capabilities.BackgroundRestricted = Yes }, WillNotRing, "background_restricted"},
		"battery optimised":      {func(w *Way) { w.Device.Capabilities.BatteryExempt = No }, MayRing, "battery_optimised"},
		"saving power":           {func(w *Way) { w.Device.Capabilities.LowPower = Yes }, MayRing, "low_power"},
		"priority lowered": {func(w *Way) {
			w.Device.Capabilities.OriginalPriority, w.Device.Capabilities.DeliveredPriority = PriorityHigh, PriorityNormal
		}, MayRing, "priority_lowered"},
		"critical not granted":    {func(w *Way) { w.Device.Capabilities.Critical = false }, MayRing, "critical_not_granted"},
		"a browser needs none":    {func(w *Way) { w.Device.Platform, w.Device.Capabilities.Critical, w.Device.AppVersion = Web, false, "" }, WillRing, ""},
		"app version unknown":     {func(w *Way) { w.Device.AppVersion = "" }, MayRing, "version_unknown"},
		"suspect":                 {func(w *Way) { w.Device.State, w.Device.StateReason = DeviceSuspect, "BadDeviceToken" }, WillNotRing, "token_suspect"},
		"doubted":                 {func(w *Way) { w.Device.Evidence = Evidence{Refusals: 1, Reason: "Unregistered"} }, MayRing, "token_doubted"},
		"lane paused":             {func(w *Way) { w.Trouble = "APNs refuses our key" }, WillNotRing, "lane_paused"},
		"three pushes unanswered": {func(w *Way) { w.Silence = Silence{Sent: 3, Since: noon.Add(-24 * time.Hour)} }, WillNotRing, "no_receipt"},
		"two pushes unanswered":   {func(w *Way) { w.Silence = Silence{Sent: 2, Since: noon.Add(-24 * time.Hour)} }, WillRing, ""},
		"a night's pages":         {func(w *Way) { w.Silence = Silence{Sent: 9, Since: noon.Add(-23 * time.Hour)} }, WillRing, ""},
		"no receipts, ever": {func(w *Way) {
			w.Silence, w.Device.LastReceiptAt = Silence{Sent: 5, Since: noon.Add(-48 * time.Hour)}, time.Time{}
		}, MayRing, "never_a_receipt"},
		"probe unanswered": {func(w *Way) { w.Silence.Probe = noon.Add(-time.Hour) }, MayRing, "probe_unanswered"},
		"probe on its way": {func(w *Way) { w.Silence.Probe = noon.Add(-time.Hour + time.Second) }, WillRing, ""},
		"an address": {func(w *Way) {
			w.Device = Device{TargetKind: AddressTarget, Provider: SMS, VerifiedAt: noon, State: DeviceActive}
		}, WillRing, ""},
		"an e-mail": {func(w *Way) {
			w.Device = Device{TargetKind: AddressTarget, Provider: Email, VerifiedAt: noon, State: DeviceActive}
		}, MayRing, "makes_no_sound"},
		"an unverified address": {func(w *Way) { w.Device = Device{TargetKind: AddressTarget, Provider: SMS, State: DeviceActive} }, WillNotRing, "not_verified"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := good()
			c.change(&w)
			r := Pageability(Facts{Ruled: true, Ways: []Way{w}}, noon)
			if r.Outlook != c.outlook || codes(r) != c.codes || r.Pageable() != (c.outlook != WillNotRing) {
				t.Errorf("%s because of %q, want %s, %q", r.Outlook, codes(r), c.outlook, c.codes)
			}
		})
	}
}

func TestAPersonRingsByTheirBestDevice(t *testing.T) {
	t.Parallel()
	off, weak := good(), good()
	off.Device.Capabilities.Alerts, off.Silence = false, Silence{Sent: 4, Since: noon.Add(-72 * time.Hour)}
	weak.Device.Capabilities.Critical = false
	for name, c := range map[string]struct {
		facts   Facts
		outlook Outlook
		says    string
	}{
		"nothing":      {Facts{Ruled: true}, WillNotRing, "Ben: no device"},
		"disabled":     {Facts{Disabled: true, Ways: []Way{good()}}, WillNotRing, "Ben: the account is disabled"},
		"off, silent":  {Facts{Ruled: true, Ways: []Way{off}}, WillNotRing, "Ben: notifications off; no receipt in 9 days"},
		"one is off":   {Facts{Ruled: true, Ways: []Way{off, good()}}, WillRing, "Ben: will ring"},
		"one is weak":  {Facts{Ruled: true, Ways: []Way{off, weak}}, MayRing, "Ben: a mute switch or Do Not Disturb silences it"},
		"no rule":      {Facts{Ways: []Way{good()}}, WillRing, "Ben: will ring"},
		"twice as off": {Facts{Ruled: true, Ways: []Way{off, off}}, WillNotRing, "Ben: notifications off; no receipt in 9 days"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Pageability(c.facts, noon)
			if r.Outlook != c.outlook || r.Summary("Ben") != c.says {
				t.Errorf("%s, %q; want %s, %q", r.Outlook, r.Summary("Ben"), c.outlook, c.says)
			}
		})
	}
	if r := Pageability(Facts{Ways: []Way{good()}}, noon); !slices.ContainsFunc(r.Obstacles, func(o Obstacle) bool { return o.Code == "no_rule" && !o.Blocks }) {
		t.Errorf("nothing is said of the missing rule: %+v", r)
	}
}
