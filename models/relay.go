package models

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	channel = "nightbell_timeline"
	// tellPause is the least time between two NOTIFY of one node. They are sent
	// apart from the transactions: inside, each commit would take a lock of the
	// whole cluster, which halves the throughput.
	tellPause  = time.Millisecond
	relayRetry = 5 * time.Second
	relayConns = 2 // one that talks, one that listens
)

// relay carries "the timeline has grown" between the nodes on one PostgreSQL.
// It only shortens waits; who misses a word finds the entries by polling.
type relay struct {
	db     *DB
	head   atomic.Int64
	wake   chan struct{} // one slot
	cancel context.CancelFunc
	owned  sync.WaitGroup
}

func startRelay(db *DB) *relay {
	ctx, cancel := context.WithCancel(context.Background())
	r := &relay{db: db, wake: make(chan struct{}, 1), cancel: cancel}
	r.owned.Go(func() { r.again(ctx, r.talk) })
	r.owned.Go(func() { r.again(ctx, r.listen) })
	return r
}

func (r *relay) stop() {
	r.cancel()
	r.owned.Wait()
}

// tell notes the newest number; words in quick succession become one.
func (r *relay) tell(head int64) {
	for {
		old := r.head.Load()
		if head <= old {
			return
		}
		if r.head.CompareAndSwap(old, head) {
			break
		}
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// again keeps a connection to run fn on, anew after each failure with a pause
// that grows to some seconds.
func (r *relay) again(ctx context.Context, fn func(context.Context, *pgx.Conn) error) {
	for pause := 100 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, relayRetry) {
		began := time.Now()
		if err := r.connected(ctx, fn); err != nil && ctx.Err() == nil {
			r.db.cfg.Log.Warn("word between nodes is interrupted; they poll until it is back", "error", err)
		}
		if time.Since(began) > relayRetry {
			pause = 100 * time.Millisecond
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
	}
}

func (r *relay) connected(ctx context.Context, fn func(context.Context, *pgx.Conn) error) error {
	cfg, err := postgresConfig(r.db.cfg.URL)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(bye)
	}()
	return fn(ctx, conn)
}

func (r *relay) talk(ctx context.Context, conn *pgx.Conn) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		}
		if _, err := conn.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, r.db.cfg.Node+" "+strconv.FormatInt(r.head.Load(), 10)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(tellPause):
		}
	}
}

func (r *relay) listen(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return err
	}
	r.db.nudge(0) // whatever was said while nobody listened
	for {
		word, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if head, ok := heard(word.Payload, r.db.cfg.Node); ok {
			r.db.nudge(head)
		}
	}
}

// heard reads what a node said; our own words come back too and are no news.
func heard(payload, self string) (head int64, ok bool) {
	node, number, ok := cutLast(payload)
	head, err := strconv.ParseInt(number, 10, 64)
	return head, ok && err == nil && head > 0 && node != self
}

// cutLast parts the payload at its last space: node names may have some.
func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}
