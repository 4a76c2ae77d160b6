package push

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/nightbell/nightbell/fault"
)

func TestReportsAreJudged(t *testing.T) {
	t.Parallel()
	all := Capabilities{Alerts: true, Critical: true, TimeSensitive: true}
	for name, c := range map[string]struct {
		on     Platform
		change func(*Capabilities)
		field  string // refused
		want   func(*Capabilities)
	}{
		"everything granted":         {on: IOS},
		"denied, but alerts":         {on: IOS, change: func(c *Capabilities) { c.Permission = PermissionDenied }, field: "capabilities.alerts"},
		"never asked, but alerts":    {on: IOS, change: func(c *Capabilities) { c.Permission = PermissionUndecided }, field: "capabilities.alerts"},
		"granted, alerts off":        {on: IOS, change: func(c *Capabilities) { c.Permission, c.Alerts = PermissionGranted, false }, want: func(c *Capabilities) { c.Critical, c.TimeSensitive = false, false }},
		"provisional on Android":     {on: Android, change: func(c *Capabilities) { c.Permission = PermissionProvisional }, field: "capabilities.permission"},
		"a channel on iOS":           {on: IOS, change: func(c *Capabilities) { c.ChannelImportance = ImportanceHigh }, field: "capabilities.channel_importance"},
		"bypassing on iOS":           {on: IOS, change: func(c *Capabilities) { c.BypassDND = Yes }, field: "capabilities.bypass_dnd"},
		"no bypassing on iOS":        {on: IOS, change: func(c *Capabilities) { c.BypassDND = No }},
		"Live Activities on Android": {on: Android, change: func(c *Capabilities) { c.LiveActivities = Yes }, field: "capabilities.live_activities"},
		"raised priority":            {on: Android, change: func(c *Capabilities) { c.OriginalPriority, c.DeliveredPriority = PriorityNormal, PriorityHigh }, field: "capabilities.delivered_priority"},
		"lowered priority":           {on: Android, change: func(c *Capabilities) { c.OriginalPriority, c.DeliveredPriority = PriorityHigh, PriorityNormal }},
		"exempt and restricted":      {on: Android, change: func(c *Capabilities) { c.BatteryExempt, c.BackgroundRestricted = Yes, Yes }, field: "capabilities.background_restricted"},
		"a blocked channel":          {on: Android, change: func(c *Capabilities) { c.ChannelImportance = ImportanceNone }, want: func(c *Capabilities) { c.Critical = false }},
		"our own word":               {on: IOS, change: func(c *Capabilities) { c.ReportedAt = noon }, field: "capabilities.reported_at"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := all
			if c.change != nil {
				c.change(&given)
			}
			got, err := given.Reported(c.on, soon)
			if c.field != "" {
				var refused *fault.Error
				if !errors.As(err, &refused) || refused.Code != "bad_capabilities" || refused.Field != c.field {
					t.Fatalf("got %+v, want %s refused", err, c.field)
				}
				return
			}
			if c.want != nil {
				c.want(&given)
			}
			if given.ReportedAt = soon; err != nil || got != given {
				t.Errorf("got %+v, %v\nwant %+v", got, err, given)
			}
		})
	}
}

// FuzzMaybe: a yes, a no and nothing said come back as they were, and nothing
// else is taken for one of them.
func FuzzMaybe(f *testing.F) {
	for _, s := range []string{"true", "false", "null", "1", `"yes"`, "{}", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var m Maybe
		if json.Unmarshal([]byte(text), &m) != nil {
			return
		}
		var b *bool
		if err := json.Unmarshal([]byte(text), &b); err != nil {
			t.Fatalf("%q was taken", text)
		}
		out, err := json.Marshal(m)
		var again Maybe
		if err != nil || json.Unmarshal(out, &again) != nil || again != m {
			t.Errorf("%q became %s", text, out)
		}
	})
}
