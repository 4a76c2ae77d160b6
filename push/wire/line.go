package wire

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// redialAfter is the pause after a failed dial while other connections work.
// Without any, the next request dials at once and its caller backs off.
const redialAfter = time.Second

// line is one connection and what we know of it.
type line struct {
	cc       *http.ClientConn
	born     time.Time
	proved   bool
	inFlight int
	peak     int // the most it ever carried
	served   int64
	answers  int64 // requests that brought an answer
}

func (p *Pool) reserveLocked() *line {
	for i := 0; i < len(p.lines); {
		l := p.lines[i]
		if !l.proved && l.inFlight > 0 {
			i++
			continue
		}
		switch l.reserve() {
		case reserved:
			return l
		case full:
			i++
		case leaving:
			p.retireLocked(i)
		}
	}
	return nil
}

type reservation int

const (
	reserved reservation = iota
	full
	leaving
)

// reserve takes a stream. A connection that was told to go away refuses just
// like a full one, and the standard library does not tell which it is; but
// only the one that is leaving refuses with fewer streams than it has carried
// before. A stream may end between the two questions, so they are asked again.
func (l *line) reserve() reservation {
	if l.served >= retireAfter {
		return leaving
	}
	for range 3 {
		if l.cc.Reserve() == nil {
			l.inFlight++
			l.served++
			l.peak = max(l.peak, l.cc.InFlight())
			return reserved
		}
		if l.cc.Err() != nil {
			return leaving
		}
		if n := l.cc.InFlight(); n > 0 && n >= l.peak {
			return full
		}
	}
	return leaving
}

// retireLocked takes a connection out of use; it closes with its last request.
func (p *Pool) retireLocked(i int) {
	l := p.lines[i]
	p.lines = slices.Delete(p.lines, i, i+1)
	if l.inFlight == 0 {
		p.closeLater(l.cc)
		return
	}
	p.draining = append(p.draining, l)
}

func (p *Pool) suspect(t turn, err error) bool {
	return errors.Is(err, context.DeadlineExceeded) && t.line.answers == t.answers && time.Since(t.began) >= p.cfg.SuspectAfter
}

// closeLater closes a connection outside the lock: closing says goodbye to the
// peer, which may take a moment.
func (p *Pool) closeLater(cc *http.ClientConn) {
	p.work.Go(func() { _ = cc.Close() })
}

func (p *Pool) growLocked() {
	if p.dialing || len(p.lines) >= p.cfg.Conns || p.unprovedLocked() || p.roomLocked() {
		return
	}
	if len(p.lines) > 0 && time.Since(p.failed) < redialAfter {
		return // the others will do for now
	}
	p.dialing = true
	p.work.Go(p.dial)
}

// unprovedLocked: while a connection proves itself another would only have to
// do the same.
func (p *Pool) unprovedLocked() bool {
	return slices.ContainsFunc(p.lines, func(l *line) bool { return !l.proved })
}

// roomLocked: a connection has room, and the callers before this one are on
// their way to it; only when they have filled it is another needed.
func (p *Pool) roomLocked() bool {
	return slices.ContainsFunc(p.lines, func(l *line) bool { return l.cc.Available() > 0 })
}

func (p *Pool) dial() {
	cc, err := p.open(p.ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialing = false
	if err != nil {
		p.dialFailedLocked(err)
		return
	}
	if p.closed {
		p.closeLater(cc)
		return
	}
	p.cfg.Opened()
	p.lines = append(p.lines, &line{cc: cc, born: time.Now(), proved: p.cfg.Proves == nil})
	p.watchLocked(cc)
	p.wakeLocked()
}

// dialFailedLocked tells those who wait, unless other connections serve them.
func (p *Pool) dialFailedLocked(err error) {
	p.failed = time.Now()
	if !p.closed {
		p.cfg.Log.Warn("a push provider cannot be reached", "address", p.cfg.Address, "error", err)
	}
	if len(p.lines) == 0 {
		p.failLocked(err)
	}
}
