package pushtest

import (
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nightbell/nightbell/push"
)

// Fault is something that goes wrong for pushes that would have been fine.
// The zero values of the first group match everything.
type Fault struct {
	// Which pushes. OAuth means requests for access tokens, and nothing else.
	Provider    push.Provider `json:"provider,omitempty"`
	Environment string        `json:"environment,omitempty"`
	Token       string        `json:"token,omitempty"`
	OAuth       bool          `json:"oauth,omitempty"`
	// Times is how many pushes it hits; 0: all, until cleared.
	Times int `json:"times,omitempty"`
	// Skip lets that many through first.
	Skip int `json:"skip,omitempty"`

	// Latency is added to the answer.
	Latency Duration `json:"latency,omitempty"`
	// Status and Reason (an APNs reason, or FCM's error code) make an error;
	// without a Reason the body is Body, as from a proxy in between.
	Status int    `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`
	Body   string `json:"body,omitempty"`
	// Since is the timestamp of a 410.
	Since time.Time `json:"since,omitzero"`
	// RetryAfter is sent as the header: seconds or a date.
	RetryAfter string `json:"retry_after,omitempty"`
	// Location is where a redirect points (Web Push).
	Location string `json:"location,omitempty"`
	// Refuse resets the stream as not processed; GoAway does so for this and
	// all later ones on the connection; Cut drops the connection; Hang never
	// answers.
	Refuse bool `json:"refuse,omitempty"`
	GoAway bool `json:"goaway,omitempty"`
	Cut    bool `json:"cut,omitempty"`
	Hang   bool `json:"hang,omitempty"`
	// Deliver lets the phone have the push all the same: only the answer is lost.
	Deliver bool `json:"deliver,omitempty"`
}

// Duration is a time.Duration written as "50ms" in JSON.
type Duration time.Duration

// MarshalJSON writes the usual Go form.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads the usual Go form.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := time.ParseDuration(s)
	*d = Duration(v)
	return err
}

// Active is an injected fault with its id and how often it struck.
type Active struct {
	ID    int   `json:"id"`
	Hits  int   `json:"hits"`
	Fault Fault `json:"fault"`
}

type faults struct {
	any  atomic.Bool // false: nothing to look for
	mu   sync.Mutex
	next int
	all  []*Active
}

// Inject makes f happen from now on, and gives its id.
func (e *Emulator) Inject(f Fault) int { return e.faults.add(f) }

// Clear ends the faults with these ids; without any, all.
func (e *Emulator) Clear(ids ...int) { e.faults.clear(ids) }

// Faults lists what is injected and not used up.
func (e *Emulator) Faults() []Active { return e.faults.list() }

func (s *faults) add(f Fault) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	s.all = append(s.all, &Active{ID: s.next, Fault: f})
	s.any.Store(true)
	return s.next
}

func (s *faults) clear(ids []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(a *Active) bool { return len(ids) == 0 || slices.Contains(ids, a.ID) })
	s.any.Store(len(s.all) > 0)
}

func (s *faults) list() []Active {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Active, 0, len(s.all))
	for _, a := range s.all {
		out = append(out, *a)
	}
	return out
}

// take gives the first fault that matches a push, counted as used; nil if none.
func (s *faults) take(p push.Provider, environment, token string) *Fault {
	return s.takeIf(func(f *Fault) bool {
		return !f.OAuth && (f.Provider == "" || f.Provider == p) &&
			(f.Environment == "" || f.Environment == environment) && (f.Token == "" || f.Token == token)
	})
}

func (s *faults) takeOAuth() *Fault { return s.takeIf(func(f *Fault) bool { return f.OAuth }) }

func (s *faults) takeIf(match func(*Fault) bool) *Fault {
	if !s.any.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, a := range s.all {
		if !match(&a.Fault) {
			continue
		}
		if a.Fault.Skip > 0 {
			a.Fault.Skip--
			continue
		}
		a.Hits++
		if a.Fault.Times > 0 && a.Hits >= a.Fault.Times {
			s.all = slices.Delete(s.all, i, i+1)
			s.any.Store(len(s.all) > 0)
		}
		f := a.Fault
		return &f
	}
	return nil
}

func (f *Fault) latency() time.Duration {
	if f == nil {
		return 0
	}
	return time.Duration(f.Latency)
}

// disturb carries out f on a good request and reports whether that was its
// end; a fault of latency alone lets it go on.
func (e *Emulator) disturb(c *call, f *Fault, deliver func(), errorAnswer func() answer) bool {
	if f.Status == 0 && !f.Refuse && !f.GoAway && !f.Cut && !f.Hang {
		return false
	}
	if f.GoAway {
		// At once: what comes after it must not have reached a phone.
		c.reply.goAway(f.Reason)
		return true
	}
	if f.Deliver {
		deliver()
	}
	e.later(f.latency(), func() {
		switch {
		case f.Hang:
		case f.Cut:
			c.reply.cut()
		case f.Refuse:
			c.reply.refuse()
		default:
			c.reply.answer(errorAnswer())
		}
	})
	return true
}

// later runs f after the emulator's latency and extra, or at once.
func (e *Emulator) later(extra time.Duration, f func()) {
	if d := time.Duration(e.latency.Load()) + extra; d > 0 {
		time.AfterFunc(d, f)
		return
	}
	f()
}

// apnsAnswer is the error as APNs would say it, or as a proxy would.
func (f *Fault) apnsAnswer(id string) answer {
	r := refusal{status: f.Status, reason: f.Reason, since: f.Since}
	a := r.answer(id)
	if f.Reason == "" {
		a = answer{status: f.Status, body: []byte(f.Body)}
	}
	return a.retryAfter(f.RetryAfter)
}

func (a answer) retryAfter(v string) answer {
	if v != "" {
		a.header = append(a.header, field("retry-after", v))
	}
	return a
}

// GoAway tells every connection of the provider to finish what it has and
// leave, with the reason Apple would give.
func (e *Emulator) GoAway(p push.Provider, reason string) {
	e.eachConn(p, func(c *h2conn) { c.leave(reason) })
}

// Cut drops every connection of the provider without a word.
func (e *Emulator) Cut(p push.Provider) { e.eachConn(p, (*h2conn).drop) }

// Connections says how many connections to the provider were ever opened, and
// how many speaking HTTP/2 are open now.
func (e *Emulator) Connections(p push.Provider) (opened, open int) {
	for _, d := range e.doorsOf(p) {
		d.mu.Lock()
		opened += d.opened
		d.mu.Unlock()
	}
	e.eachConn(p, func(*h2conn) { open++ })
	return opened, open
}

func (e *Emulator) eachConn(p push.Provider, f func(*h2conn)) {
	for _, d := range e.doorsOf(p) {
		d.each(f)
	}
}

func (e *Emulator) doorsOf(p push.Provider) []*door {
	switch p {
	case push.APNs:
		return e.doors[1:3]
	case push.WebPush:
		return e.doors[webPushDoor:controlDoor]
	}
	return e.doors[:1]
}
