package push

import (
	"strings"
	"testing"
	"time"
)

func TestTheGuardKnowsHowManyAreTooMany(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		judged, devices int
		full            bool
	}{
		{0, 0, false}, {4, 4, false}, {5, 5, true}, {4, 50, false}, {5, 50, true}, {5, 59, true},
		{5, 60, false}, {6, 60, true}, {9, 100, false}, {10, 100, true}, {999, 10_000, false}, {1000, 10_000, true},
	} {
		if got := (Tally{c.judged, c.devices}).Full(); got != c.full {
			t.Errorf("%d of %d: full %v", c.judged, c.devices, got)
		}
	}
	h := Tally{10, 100}.Hold(APNs, "ios", "Unregistered", noon)
	if h.Until.Sub(h.Since) != time.Hour || !strings.Contains(h.Reason, "10 of 100") || h.Provider != APNs || h.App != "ios" {
		t.Errorf("%+v", h)
	}
}

func TestWhatIsSparedWhileNothingIsJudged(t *testing.T) {
	t.Parallel()
	v := Verdict{DeviceState: DeviceDead, DeviceReason: "Unregistered", Evidence: &Evidence{Refusals: 1}}
	if dev := v.Spared().On(phone(), noon); dev != phone() {
		t.Errorf("%+v", dev)
	}
	home := Verdict{DeviceState: DeviceSuspect, Environment: sandbox, Evidence: &Evidence{Home: sandbox}}
	dev := home.Spared().On(phone(), noon)
	if dev.State != DeviceActive || dev.Environment != sandbox || dev.Evidence.Home != sandbox {
		t.Errorf("a trial must end all the same: %+v", dev)
	}
}
