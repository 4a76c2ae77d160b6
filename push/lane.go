package push

import (
	"sync"
	"time"
)

// lane is the way to one (app, provider, environment): its own backlog, its
// own limit in flight and its own gate, so that one provider's stall, limit
// or bad key never slows another (I11).
//
// Its workers come and go: one is started for each push that may be in flight
// beside the others, and ends when nothing more may leave.
type lane struct {
	key     Lane
	sender  Sender
	timeout time.Duration
	p       *Pipeline

	mu       sync.Mutex
	backlog  backlog
	gate     gate
	inFlight int
	quiet    int // of them, not pages
	open     bool
	retired  bool        // forgotten by the pipeline: takes nothing more
	timer    *time.Timer // wakes a closed gate for its probe; nil when not set
	// proven is true once the provider took a message of ours: since then, a
	// refusal of the form is about the token and not about our form.
	proven bool
}

// add takes h into the lane, or reports false when there is no room.
func (l *lane) add(h *held) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired || !l.backlog.push(h) {
		return false
	}
	l.fill()
	return true
}

// start lets the lane's pushes leave.
func (l *lane) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = true
	l.fill()
}

// stop ends the lane: what waits is handed back, what is in flight goes on.
func (l *lane) stop() []*held {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = false
	l.disarm()
	var out []*held
	for h := l.backlog.pop(true); h != nil; h = l.backlog.pop(true) {
		out = append(out, h)
	}
	return out
}

// retire ends the lane for good if it is idle.
func (l *lane) retire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.backlog.len()+l.inFlight > 0 {
		return false
	}
	l.retired = true
	l.disarm()
	return true
}

// fill starts a worker for each push that may leave now. l.mu is held.
func (l *lane) fill() {
	for h := l.take(); h != nil; h = l.take() {
		l.p.workers.Add(1)
		go l.work(h)
	}
	l.arm()
}

// take gives the next job that may leave now, nil if none may. l.mu is held.
func (l *lane) take() *held {
	if !l.open || l.backlog.len() == 0 {
		return nil
	}
	ok, probe := l.gate.admit(l.p.now(), l.inFlight)
	if !ok {
		return nil
	}
	// A fifth of the places is kept for pages, so that a wave of settles in
	// flight never makes one wait.
	h := l.backlog.pop(probe || l.quiet < l.gate.width-l.gate.width/5)
	if h == nil {
		return nil // only quiet ones wait; the gate was open, so no probe is lost
	}
	h.probe, h.era = probe, l.gate.era
	l.inFlight++
	if h.out.Job.Delivery.Kind != Page {
		l.quiet++
	}
	return h
}

// work sends h and then whatever may leave next, until nothing may.
func (l *lane) work(h *held) {
	defer l.p.workers.Done()
	for h != nil {
		r := l.p.deliver(l, h)
		h = l.done(h, r)
	}
}

// done learns from a finished job and takes the next.
func (l *lane) done(h *held, r Result) *held {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	if h.out.Job.Delivery.Kind != Page {
		l.quiet--
	}
	l.proven = l.proven || r.Class == ClassAccepted
	before := l.gate.state
	l.gate.observe(sight{result: lesson(h, r), device: h.out.Job.Device.ID, probe: h.probe, era: h.era}, l.p.now())
	if l.gate.state != before {
		l.p.noticeGate(l, before, r)
	}
	next := l.take()
	l.fill() // a gate that has just opened lets more than one pass
	return next
}

// lesson is what an answer teaches the gate. Live Activities have a topic of
// their own: that our key may not use it says nothing of pages, which find out
// by themselves what is wrong with them.
func lesson(h *held, r Result) Result {
	if h.out.Job.Delivery.Kind == Activity && r.Class == ClassConfigBroken && !h.probe {
		return Result{}
	}
	return r
}

// arm sets the timer of a closed gate with jobs behind it. l.mu is held.
func (l *lane) arm() {
	if l.timer != nil || !l.open || l.gate.probing || l.gate.state == gateOpen || l.backlog.len() == 0 {
		return
	}
	l.timer = time.AfterFunc(l.gate.closedFor(l.p.now()), func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.timer = nil
		l.fill()
	})
}

// mended lets a paused lane probe at once, because its credentials are new.
func (l *lane) mended() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gate.renew(l.p.now())
	l.proven = false
	l.disarm()
	l.fill()
}

func (l *lane) disarm() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}

// provenForm reports whether a message of ours was ever taken here.
func (l *lane) provenForm() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.proven
}

// closedFor is how long nothing will leave the lane.
func (l *lane) closedFor(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gate.closedFor(now)
}

// load is how many wait and how many are in flight.
func (l *lane) load() (waiting, inFlight int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.backlog.len(), l.inFlight
}

// tooOld takes out of a closed lane what was read before the moment: by the
// time the lane opens its words would be stale and its lease near the end.
// closed is how long the lane stays shut.
func (l *lane) tooOld(before, now time.Time) (out []*held, closed time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if closed = l.gate.closedFor(now); closed > 0 {
		out = l.backlog.older(before)
	}
	return out, closed
}
