package wire

import (
	"net/http"
	"time"
)

// watchLocked notices when the connection ends or is told to go away, also
// while nobody sends.
func (p *Pool) watchLocked(cc *http.ClientConn) {
	if !p.watching {
		p.watching = true
		p.work.Go(p.watch)
	}
	cc.SetStateHook(func(cc *http.ClientConn) {
		if cc.Err() == nil {
			return // a request has come or gone
		}
		select {
		case p.lost <- struct{}{}:
		default:
		}
	})
}

// watch opens a connection in place of the last one that went away, so that
// the next page need not wait for a handshake. It does so at most once a
// redialAfter: a peer that hangs up on everybody must not be called without end.
func (p *Pool) watch() {
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-p.lost:
		}
		select {
		case <-p.ctx.Done():
			return
		case <-rest.C:
		}
		p.replace()
		rest.Reset(redialAfter)
	}
}

// replace drops what has ended and dials if nothing is left.
func (p *Pool) replace() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	for i := len(p.lines) - 1; i >= 0; i-- {
		if p.lines[i].cc.Err() != nil {
			p.retireLocked(i)
		}
	}
	if len(p.lines) == 0 {
		p.growLocked()
	}
}
