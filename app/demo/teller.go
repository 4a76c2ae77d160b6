package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/nightbell/nightbell/incident"
)

// log is where the teller reads: the node's committed timeline.
type log interface {
	Entries(ctx context.Context, after int64, limit int) ([]incident.Entry, error)
}

// teller says in a line each what happens to the incidents, between the cards
// that show what the phones make of it.
type teller struct {
	log   log
	out   io.Writer
	ink   ink
	names map[string]string // of users, by id

	cancel  context.CancelFunc
	telling sync.WaitGroup
}

// pace is how often the teller looks: quick enough to seem at once.
const pace = 100 * time.Millisecond

// start tells what happens from now on.
func (t *teller) start(ctx context.Context) error {
	seen, err := t.skip(ctx)
	if err != nil {
		return err
	}
	ctx, t.cancel = context.WithCancel(context.WithoutCancel(ctx))
	t.telling.Go(func() { t.tell(ctx, seen) })
	return nil
}

// skip gives the newest entry there is: a kept demo has a past.
func (t *teller) skip(ctx context.Context) (seen int64, err error) {
	for {
		entries, err := t.log.Entries(ctx, seen, 500)
		if err != nil || len(entries) == 0 {
			return seen, err
		}
		seen = entries[len(entries)-1].Seq
	}
}

func (t *teller) tell(ctx context.Context, seen int64) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		entries, err := t.log.Entries(ctx, seen, queued)
		if err != nil {
			continue // the node says in its log what is wrong
		}
		for _, e := range entries {
			seen = e.Seq
			if line := t.line(e); line != "" {
				fmt.Fprintf(t.out, "\n  %s %s\n", t.ink.paint(dim, e.At.Local().Format("15:04:05")), line)
			}
		}
	}
}

// line words one entry; empty for those the cards show already.
func (t *teller) line(e incident.Entry) string {
	if e.Incident == nil {
		return ""
	}
	what := map[incident.EntryType]string{
		incident.EntryTriggered:      "triggered by " + e.Actor.Name + ": " + e.Incident.Title,
		incident.EntryAcknowledged:   "acknowledged by " + e.Actor.Name + "; nobody is paged any more",
		incident.EntryUnacknowledged: "not acknowledged any more",
		incident.EntryResolved:       "resolved by " + e.Actor.Name,
		incident.EntryEscalated:      "pages " + t.people(e.Detail.Users),
		incident.EntryExhausted:      "nobody acknowledged, and there is nobody left to page",
		incident.EntryAlertAdded:     "one more alert: " + e.Detail.Summary,
		incident.EntryWarning:        "warning: " + e.Detail.Text,
	}[e.Type]
	if what == "" {
		return ""
	}
	if e.Type == incident.EntryEscalated && e.Detail.Reason == incident.ReasonTimeout {
		what = "nobody acknowledged; " + what
	}
	number := t.ink.paint(bold, fmt.Sprintf("#%d", e.Incident.Number))
	return number + " " + strings.Map(printable, what)
}

func (t *teller) people(ids []string) string {
	var names []string
	for _, id := range ids {
		name := t.names[id]
		if name == "" {
			name = id
		}
		names = append(names, name)
	}
	return strings.Join(names, " and ")
}

// close ends the telling and waits for it.
func (t *teller) close() {
	if t.cancel != nil {
		t.cancel()
	}
	t.telling.Wait()
}
