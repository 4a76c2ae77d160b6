package push

import (
	"net/http"
	"time"
)

// gateState is whether a lane lets pushes through.
type gateState int

const (
	// gateOpen: pushes flow, up to the lane's limit.
	gateOpen gateState = iota
	// gateBackoff: the provider is in trouble; one probe at a time, later and later.
	gateBackoff
	// gatePaused: our key, topic or project is wrong; one probe every while,
	// until one is accepted. Somebody has to mend the configuration.
	gatePaused
)

// String names the state for logs.
func (s gateState) String() string {
	return [...]string{"open", "backing_off", "paused"}[s]
}

// backoffSteps are a closed lane's waits between probes. They stay short: each
// costs one request, and somebody may be waiting to be woken.
var backoffSteps = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}

const (
	// quotaRest is what Google asks for when a quota ran out and it named no time.
	quotaRest = time.Minute
	// longestWish bounds a provider's Retry-After for a whole lane.
	longestWish = 10 * time.Minute
	// reopenWidth is how many pushes a lane that has just recovered may have in
	// flight; each acceptance allows one more, so the flood doubles each round
	// trip instead of knocking the provider over again.
	reopenWidth = 16
	// A lane closes when so many different devices in a row met trouble,
	// without one acceptance: a single odd token must not close it for all.
	retriesToClose = 5
	downsToClose   = 3
)

// gate decides whether a lane may send. It is plain values; its lane locks it.
type gate struct {
	max   int           // in flight at once, when open
	probe time.Duration // between probes when paused
	rand  func() float64

	state    gateState
	until    time.Time // closed: when the next probe may go
	probing  bool      // closed: a probe is in flight
	step     int
	width    int // open: in flight at once just now
	troubled map[string]struct{}
	// era counts the credentials the lane has had: an answer to an older one's
	// message says nothing about the new.
	era int
}

func newGate(limit int, probe time.Duration, rand func() float64) gate {
	return gate{max: limit, width: limit, probe: probe, rand: rand, troubled: map[string]struct{}{}}
}

// sight is what a lane saw of one job it took: the answer, if any, and whether
// the job was the probe of a closed gate.
type sight struct {
	result Result // Class empty: nothing was sent
	device string
	probe  bool
	era    int
}

// admit reports whether one more push may go now beside those in flight, and
// whether it is the probe of a closed gate.
func (g *gate) admit(now time.Time, inFlight int) (ok, probe bool) {
	if g.state == gateOpen {
		return inFlight < g.width, false
	}
	if g.probing || now.Before(g.until) {
		return false, false
	}
	g.probing = true
	return true, true
}

// observe learns from one answer.
func (g *gate) observe(s sight, now time.Time) {
	if s.era != g.era {
		return
	}
	if s.probe {
		g.probing = false
		g.observeProbe(s, now)
		return
	}
	if s.result.Class == ClassConfigBroken && g.state != gatePaused {
		g.pause(now)
		return
	}
	if g.state == gateOpen {
		g.observeOpen(s, now)
	}
	// Answers to what left before a closed gate closed are old news.
}

func (g *gate) observeOpen(s sight, now time.Time) {
	switch s.result.Class {
	case "", ClassCut:
	case ClassRetry, ClassProviderDown:
		g.troubled[s.device] = struct{}{}
		enough := retriesToClose
		if s.result.Class == ClassProviderDown {
			enough = downsToClose
		}
		// A 429 with its wish is about the whole lane; one is enough.
		asked := s.result.Status == 429 && s.result.RetryAfter > 0 && s.result.Class == ClassProviderDown
		if asked || len(g.troubled) >= enough {
			g.close(gateBackoff, now, g.rest(s.result))
		}
	default:
		clear(g.troubled)
		g.width = min(g.width+1, g.max)
	}
}

func (g *gate) observeProbe(s sight, now time.Time) {
	switch s.result.Class {
	case "", ClassCut:
		g.until = now // it proved nothing: the next one may go
	case ClassAccepted:
		g.open()
	case ClassConfigBroken:
		g.pause(now)
	case ClassRetry, ClassProviderDown:
		if g.state == gatePaused {
			g.pause(now)
			return
		}
		g.step++
		g.close(gateBackoff, now, g.rest(s.result))
	default: // the provider judged the token or the message: it works
		if g.state == gatePaused {
			g.until = now.Add(time.Second) // but that need not mean our key does
			return
		}
		g.open()
	}
}

// renew begins with new credentials: a pause is over as soon as a probe says so.
func (g *gate) renew(now time.Time) {
	g.era++
	g.probing = false
	if g.state == gatePaused {
		g.until = now
	}
}

func (g *gate) open() {
	g.state, g.step, g.width = gateOpen, 0, min(reopenWidth, g.max)
	clear(g.troubled)
}

func (g *gate) pause(now time.Time) { g.close(gatePaused, now, g.probe) }

func (g *gate) close(state gateState, now time.Time, wait time.Duration) {
	if g.state == gateOpen {
		g.step = 0
	}
	g.state, g.until = state, now.Add(min(wait, longestWish))
}

// rest is how long to leave the provider alone: as long as it wishes, and at
// least our step. A quota that ran out comes back by the minute.
func (g *gate) rest(r Result) time.Duration {
	switch {
	case r.RetryAfter > 0:
		return max(g.wait(), r.RetryAfter)
	case r.Status == http.StatusTooManyRequests:
		return max(g.wait(), quotaRest)
	default:
		return g.wait()
	}
}

// wait is this step's backoff, spread by a quarter so that nodes do not knock
// together.
func (g *gate) wait() time.Duration {
	step := backoffSteps[min(g.step, len(backoffSteps)-1)]
	return step + time.Duration(g.rand()*float64(step)/4)
}

// closedFor is how long the gate stays shut from now; 0 when open or ready to probe.
func (g *gate) closedFor(now time.Time) time.Duration {
	if g.state == gateOpen {
		return 0
	}
	return max(0, g.until.Sub(now))
}
