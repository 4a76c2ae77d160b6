package push

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// trial drives a gate by hand. Rand is zero: no jitter.
type trial struct {
	gate
	now time.Time
	n   int
}

func newTrial(limit int) *trial {
	return &trial{gate: newGate(limit, 30*time.Second, func() float64 { return 0 }), now: noon}
}

// meet lets one push of a fresh device go, if it may, and answers it.
func (g *trial) meet(t *testing.T, r Result) (went bool) {
	t.Helper()
	ok, probe := g.admit(g.now, 0)
	if ok {
		g.n++
		g.observe(sight{result: r, device: fmt.Sprint("dev", g.n), probe: probe}, g.now)
	}
	return ok
}

func (g *trial) want(t *testing.T, s gateState, closed time.Duration) {
	t.Helper()
	if g.state != s || g.closedFor(g.now) != closed {
		t.Fatalf("the gate is %s for %s, want %s for %s", g.state, g.closedFor(g.now), s, closed)
	}
}

var (
	down   = Result{Class: ClassProviderDown, Status: 503}
	again  = Result{Class: ClassRetry, Status: 500}
	broken = Result{Class: ClassConfigBroken, Status: 403}
)

func TestGateClosesOnTroubleOfSeveralDevices(t *testing.T) {
	t.Parallel()
	g := newTrial(500)
	for range downsToClose {
		g.want(t, gateOpen, 0)
		g.meet(t, down)
	}
	g.want(t, gateBackoff, time.Second)

	g = newTrial(500)
	for range retriesToClose {
		g.want(t, gateOpen, 0)
		g.meet(t, again)
	}
	g.want(t, gateBackoff, time.Second)
}

func TestGateStaysOpenForOneOddDevice(t *testing.T) {
	t.Parallel()
	g := newTrial(500)
	for range 50 {
		g.observe(sight{result: down, device: "odd"}, g.now)
	}
	g.want(t, gateOpen, 0)
}

func TestGateForgetsTroubleAtAnAcceptance(t *testing.T) {
	t.Parallel()
	g := newTrial(500)
	for range 20 {
		g.meet(t, down)
		g.meet(t, down)
		g.meet(t, yes)
	}
	g.want(t, gateOpen, 0)
}

func TestGateBacksOffFurtherWithEachFailedProbe(t *testing.T) {
	t.Parallel()
	g := newTrial(500)
	for range downsToClose {
		g.meet(t, down)
	}
	for _, wait := range []int{1, 2, 4, 8, 15, 15} {
		after := time.Duration(wait) * time.Second
		g.want(t, gateBackoff, after)
		if g.meet(t, yes) {
			t.Fatal("a push went through a closed gate")
		}
		g.now = g.now.Add(after)
		if !g.meet(t, down) {
			t.Fatal("no probe after the wait")
		}
	}
	g.now = g.now.Add(15 * time.Second)
	g.meet(t, yes)
	g.want(t, gateOpen, 0)
	for range downsToClose {
		g.meet(t, down)
	}
	g.want(t, gateBackoff, time.Second) // it starts over
}

func TestGateLetsOneProbeAtATime(t *testing.T) {
	t.Parallel()
	g := newTrial(500)
	for range downsToClose {
		g.meet(t, down)
	}
	g.now = g.now.Add(time.Minute)
	if ok, probe := g.admit(g.now, 0); !ok || !probe {
		t.Fatalf("admitted %v, probe %v; want a probe", ok, probe)
	}
	if ok, _ := g.admit(g.now, 1); ok {
		t.Fatal("a second push went beside the probe")
	}
	g.observe(sight{probe: true}, g.now) // it was no longer wanted: nothing learnt
	if ok, probe := g.admit(g.now, 0); !ok || !probe {
		t.Fatal("the next one may not probe")
	}
}

func TestGateReopensNarrowAndWidens(t *testing.T) {
	t.Parallel()
	g := newTrial(500)
	g.meet(t, broken)
	g.want(t, gatePaused, 30*time.Second)
	g.now = g.now.Add(30 * time.Second)
	g.meet(t, yes)
	if ok, _ := g.admit(g.now, reopenWidth); ok {
		t.Fatal("the whole flood went at once after a recovery")
	}
	for range 500 {
		g.meet(t, yes)
	}
	if ok, _ := g.admit(g.now, 499); !ok {
		t.Fatal("the lane never got its full width back")
	}
	if ok, _ := g.admit(g.now, 500); ok {
		t.Fatal("more than the limit in flight")
	}
}

func TestPausedGateOpensOnlyByAnAcceptance(t *testing.T) {
	t.Parallel()
	g := newTrial(500)
	g.meet(t, broken)
	for _, r := range []Result{down, again, broken, down} {
		g.want(t, gatePaused, 30*time.Second)
		g.now = g.now.Add(30 * time.Second)
		g.meet(t, r)
	}
	g.now = g.now.Add(30 * time.Second)
	g.meet(t, Result{Class: ClassTokenSuspect, Status: 400}) // says nothing of our key
	g.want(t, gatePaused, time.Second)
	g.now = g.now.Add(time.Second)
	g.meet(t, yes)
	g.want(t, gateOpen, 0)
}

func TestGateHonoursTheProvidersWish(t *testing.T) {
	t.Parallel()
	g := newTrial(500)
	g.meet(t, Result{Class: ClassProviderDown, Status: 429, Reason: "QUOTA_EXCEEDED", RetryAfter: 2 * time.Minute})
	g.want(t, gateBackoff, 2*time.Minute)

	g = newTrial(500)
	g.meet(t, Result{Class: ClassProviderDown, Status: 429, RetryAfter: 24 * time.Hour})
	g.want(t, gateBackoff, longestWish)
}

// Whatever it meets, a gate lets something through within its longest wait.
func TestGateNeverLocksForGood(t *testing.T) {
	t.Parallel()
	classes := []Class{"", ClassAccepted, ClassRetry, ClassProviderDown, ClassConfigBroken, ClassTokenDead, ClassTokenSuspect, ClassCut}
	rapid.Check(t, func(t *rapid.T) {
		g := newTrial(rapid.IntRange(1, 50).Draw(t, "limit"))
		for _, c := range rapid.SliceOfN(rapid.SampledFrom(classes), 0, 60).Draw(t, "answers") {
			g.now = g.now.Add(longestWish)
			ok, probe := g.admit(g.now, 0)
			if !ok {
				t.Fatalf("%s and shut after %s", g.state, longestWish)
			}
			g.n++
			wish := time.Duration(rapid.IntRange(0, 3).Draw(t, "wish")) * time.Hour
			g.observe(sight{result: Result{Class: c, Status: 429, RetryAfter: wish}, device: fmt.Sprint(g.n % 7), probe: probe}, g.now)
			if g.width < 1 || g.width > g.max {
				t.Fatalf("width %d of %d", g.width, g.max)
			}
		}
	})
}
