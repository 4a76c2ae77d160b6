package fcm

import (
	"context"
	"sync"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

const (
	scope = "https://www.googleapis.com/auth/firebase.messaging"
	// early is how long before its end a token is replaced in the background,
	// so that no page ever waits for one.
	early = 10 * time.Minute
	// margin before its end a token is no longer used: clocks differ.
	margin = time.Minute
	// fetchTimeout bounds one request for a token, refetchAfter the time
	// between background attempts that fail.
	fetchTimeout = 10 * time.Second
	refetchAfter = 15 * time.Second
)

// source is where access tokens come from; life counts from now.
type source interface {
	ask(ctx context.Context, now time.Time) (token string, life time.Duration, err error)
	close()
}

// tokens fetches the access tokens of one source and hands out the current. Any
// number of callers share one fetch.
type tokens struct {
	source source
	now    func() time.Time
	ctx    context.Context // ends with close
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	current string
	expires time.Time
	margin  time.Duration // the current's
	retry   time.Time     // no background fetch before
	fetch   *fetch        // the one under way
}

// fetch is a request for a token; err is set when done is closed.
type fetch struct {
	done chan struct{}
	err  error
}

// authError is why there is no access token, as a push result.
type authError struct {
	result push.Result
	cause  string
}

// Error gives the cause.
func (e *authError) Error() string { return "getting an FCM access token: " + e.cause }

func newTokens(s source, now func() time.Time) *tokens {
	ctx, stop := context.WithCancel(context.Background())
	return &tokens{source: s, now: now, ctx: ctx, stop: stop}
}

// get gives a token that is good for a while, waiting for one if need be.
func (t *tokens) get(ctx context.Context) (string, error) {
	for {
		token, f, err := t.look()
		if err != nil || token != "" {
			return token, err
		}
		select {
		case <-f.done:
			if f.err != nil {
				return "", f.err
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// look gives the token in hand, or the fetch to wait for.
func (t *tokens) look() (string, *fetch, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	usable := t.current != "" && now.Before(t.expires.Add(-t.margin))
	fresh := usable && now.Before(t.expires.Add(-early))
	if fresh {
		return t.current, nil, nil
	}
	if t.closed {
		return "", nil, wire.ErrClosed
	}
	if t.fetch == nil && (!usable || !now.Before(t.retry)) {
		t.fetch = &fetch{done: make(chan struct{})}
		t.retry = now.Add(refetchAfter)
		t.work.Go(t.run)
	}
	if usable {
		return t.current, nil, nil
	}
	return "", t.fetch, nil
}

// drop forgets a token that Google refused, unless it was replaced already.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == token {
		t.current = ""
	}
}

func (t *tokens) run() {
	ctx, cancel := context.WithTimeout(t.ctx, fetchTimeout)
	defer cancel()
	asked := t.now()
	token, life, err := t.source.ask(ctx, asked)
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.fetch
	t.fetch = nil
	if f.err = err; err == nil {
		t.current, t.expires = token, asked.Add(life)
		// The machine's own credentials may come with little life left: a token
		// that is never good enough would be asked for without end.
		t.margin = min(margin, life/2)
	}
	close(f.done)
}

func (t *tokens) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.stop()
	t.work.Wait()
	t.source.close()
}
