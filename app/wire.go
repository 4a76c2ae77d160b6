package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/nightbell/nightbell/api"
	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/webpush"
	"github.com/nightbell/nightbell/queue"
	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/respond"
)

// issuer is the "iss" of our tokens. It is the same for every instance: their
// keys differ, and an instance that moves to another address keeps its sessions.
const issuer = "nightbell"

// house is the rooms of one node, made and joined but not yet running.
type house struct {
	db       *models.DB
	auth     *auth.Service
	words    *push.Words
	badges   *push.Badges
	pushers  *pushers
	web      *webpush.Sender // nil: switched off
	carriers *carriers
	codeKey  []byte
	pipeline *push.Pipeline
	desk     *respond.Desk
	watch    *respond.Watch
	timers   *queue.Runner[string]
	hub      *realtime.Hub
	handler  http.Handler
}

// build makes the rooms from the ground up: each is given what is below it.
// What has to be closed is added to a.opened, what has to be taken back to u.
func (a *App) build(ctx context.Context, u *undo) (*house, error) {
	pushers, err := newPushers(a)
	if err != nil {
		return nil, err
	}
	words, err := a.cfg.Push.words()
	if err != nil {
		return nil, err
	}
	if !a.cfg.Postgres() {
		if err := makeDir(a.cfg.DataDir, dataDir, u); err != nil {
			return nil, err
		}
	}
	if err := a.lockDatabase(); err != nil {
		return nil, err
	}
	secret, err := instanceSecret(a.cfg, u)
	if err != nil {
		return nil, err
	}
	h := &house{pushers: pushers, words: words, badges: push.NewBadges()}
	if err := a.reach(h, secret); err != nil {
		return nil, err
	}
	if h.db, err = a.cfg.openDatabase(ctx, a.options(), a.meter, u); err != nil {
		return nil, err
	}
	a.opened.add("database", func(context.Context) error { return h.db.Close() })
	if err := a.seed(ctx, h.db); err != nil {
		return nil, err
	}

	if err := h.recall(ctx, secret); err != nil {
		return nil, err
	}
	h.auth = auth.New(auth.Config{Store: h.db.Accounts(), Secret: secret, Issuer: issuer, Now: a.opt.Now, Log: a.log})
	if err := h.auth.Prepare(ctx); err != nil {
		return nil, fmt.Errorf("preparing the signing keys: %w", err)
	}
	if h.web, err = a.webPush(ctx, h.pushers); err != nil {
		return nil, err
	}
	return h, a.work(h)
}

// recall takes into memory what the database knows of push apps and of
// people's open incidents.
func (h *house) recall(ctx context.Context, secret []byte) error {
	if err := h.pushers.join(ctx, h.db, secret); err != nil {
		return fmt.Errorf("reading the push apps: %w", err)
	}
	if err := h.db.OpenAssignments(ctx, h.badges.Load); err != nil {
		return fmt.Errorf("counting open incidents: %w", err)
	}
	return nil
}

// work makes the rooms that do something by themselves, and the doors.
func (a *App) work(h *house) (err error) {
	pushing := newPulse("deliveries", 0, a.opt.Now)
	timing := newPulse("escalation timers", time.Minute, a.opt.Now)
	h.pipeline = a.pipeline(h, pushing)
	h.pushers.pipeline = h.pipeline
	h.desk = respond.New(respond.Config{
		Store: h.db.Desk(), Pager: h.pipeline, Node: a.cfg.nodeName(), Lease: a.cfg.Lease,
		Now: a.opt.Now, Log: a.log, Meter: a.meter,
	})
	h.watch = respond.NewWatch(respond.WatchConfig{
		Store: h.db.Desk(), Reach: h.db.Devices(), Pager: h.pipeline, Trouble: h.pipeline.Trouble, Node: a.cfg.nodeName(), Lease: a.cfg.Lease,
		Lead: a.cfg.Notices.ShiftReminder, ProbeEvery: a.cfg.Push.ProbeEvery, Now: a.opt.Now, Log: a.log, Meter: a.meter,
	})
	h.timers = a.timers(h, timing)
	h.hub = a.hub(h)
	h.db.OnAppend(func(int64) { h.hub.Nudge() })
	h.handler, err = a.routes(h, []probe{
		{"database", h.db.Ready},
		{"escalation", timing.check},
		{"push", pushing.check},
		{"live stream", streaming(h.hub)},
	})
	return err
}

// streaming is ready once the stream has met the log's head; until then it
// turns sockets away, and so should the load balancer.
func streaming(hub *realtime.Hub) func(context.Context) error {
	return func(context.Context) error {
		select {
		case <-hub.Ready():
			return nil
		default:
			return errors.New("the live stream has not read the timeline yet; look at the database if this lasts")
		}
	}
}

// seed imports what the node was told to begin with.
func (a *App) seed(ctx context.Context, db *models.DB) error {
	if a.opt.Seed == nil {
		return nil
	}
	if _, err := importInto(ctx, db.Setup(), *a.opt.Seed, false, a.opt.Now().UTC().Truncate(time.Microsecond)); err != nil {
		return fmt.Errorf("importing the seed: %w", err)
	}
	_, err := db.Refresh(ctx)
	return err
}

func (a *App) options() Options {
	o := a.opt
	o.Log = a.log
	return o
}

func (a *App) pipeline(h *house, p *pulse) *push.Pipeline {
	senders := map[push.Provider]push.Sender{}
	for of, s := range h.pushers.switches {
		senders[of] = s
	}
	h.carriers.into(senders)
	if h.web != nil {
		senders[push.WebPush] = h.web
	}
	return push.NewPipeline(push.Config{
		Store: watchedStore{h.db.Deliveries(), p}, Senders: senders, Signer: signer{h.auth},
		Words: h.words, Options: h.pushers.Options, Badges: h.badges,
		BaseURL: a.URL(), Lease: a.cfg.Lease, Now: a.opt.Now, Log: a.log, Meter: a.meter,
	})
}

// timers run the clocks of the incidents: what is claimed is only an id, and
// the desk judges again under lock.
func (a *App) timers(h *house, p *pulse) *queue.Runner[string] {
	conf := queue.Config{
		Name: "timers", Lease: a.cfg.Lease, Drain: a.cfg.ShutdownDeadline / 2,
		Now: a.opt.Now, Log: a.log, Meter: a.meter,
	}
	return queue.New(conf, watchedSource[string]{h.db.Timers(), p}, func(ctx context.Context, incidentID string) {
		if err := h.desk.Due(ctx, incidentID); err != nil && ctx.Err() == nil {
			a.log.Error("an incident's timer failed; it comes back when its lease runs out", "incident", incidentID, "error", err)
		}
	})
}

// observe hands what was committed, on any node, to those who follow the log
// in memory.
func (a *App) observe(h *house) func([]incident.Entry) {
	return func(entries []incident.Entry) {
		h.badges.Follow(entries)
		if a.cfg.Postgres() {
			others(h.pipeline, entries)
		}
	}
}

// others lets this node's pipeline hear what other nodes have stopped: it asks
// the database again before it sends a page that it holds (I6). A single node
// has been told by its own desk.
func others(p *push.Pipeline, entries []incident.Entry) {
	for _, e := range entries {
		switch e.Type {
		case incident.EntryAcknowledged, incident.EntryResolved, incident.EntryReassigned, incident.EntrySnoozed,
			incident.EntryEscalated: // by hand, it stops the level before; what it pages itself has its revision
			p.Cancel(e.IncidentID, e.Revision)
		}
	}
}

func (a *App) hub(h *house) *realtime.Hub {
	return realtime.New(realtime.Config{
		Log: h.db.Timeline(), Auth: streamDoor{h.auth}, Actor: streamActor{h.auth, h.desk},
		Observe: a.observe(h), Refuse: api.Refuse, Origins: a.cfg.Realtime.Origins, MaxConns: a.cfg.Realtime.MaxConnections,
		Now: a.opt.Now, Logger: a.log, Meter: a.meter,
	})
}

// run starts the rooms, from the ground up. Each is stopped in the reverse
// order: HTTP, sockets, claims with the work in hand, periodic work, database.
func (a *App) run(h *house) {
	chores := startChores(a.log, a.chores(h)...)
	a.opened.add("periodic work", chores.stop)
	a.own("push: stop claiming, finish deliveries in hand", func(ctx context.Context) { _ = h.pipeline.Run(ctx) }, h.pipeline.Stop)
	a.own("timers: stop claiming, finish those in hand", func(ctx context.Context) {
		if err := h.timers.Run(ctx); err != nil {
			a.log.Error("timers did not end cleanly; their leases will bring them back", "error", err)
		}
	}, nil)
	a.own("sockets", h.hub.Run, h.hub.Stop)
	a.serve(h.handler)
}

// own runs loop in a goroutine that the cleanup waits for. stop, if any, ends
// it gently; its context is only cancelled afterwards.
func (a *App) own(name string, loop func(context.Context), stop func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { loop(ctx) })
	a.opened.add(name, func(within context.Context) error {
		var err error
		if stop != nil {
			err = stop(within)
		}
		cancel()
		running.Wait()
		return err
	})
}

// chores are what a node does again and again beside its work.
func (a *App) chores(h *house) []chore {
	timers := h.db.Timers()
	guard := newGuardWatch(h.db.Devices(), a.opt.Now, a.log, a.meter)
	return []chore{
		{"reminding of shifts", time.Minute, h.watch.Remind},
		{"probing the phones of those on call", time.Minute, h.watch.Probe},
		{"counting who cannot be paged", 5 * time.Minute, h.watch.Measure},
		{"watching the mass-prune guard", 15 * time.Second, guard.look},
		{"looking for overdue incidents", 15 * time.Second, func(ctx context.Context) error { return h.desk.Audit(ctx, timers) }},
		{"refreshing the catalogue", 5 * time.Second, h.refresh},
		{"rotating the signing keys", time.Minute, h.auth.Prepare},
		{"ending the connections of ended sessions", 5 * time.Second, h.expel},
		{"keeping push connections warm", 5 * time.Minute, h.warm},
		{"pruning history", 10 * time.Minute, func(ctx context.Context) error {
			_, err := h.db.Prune(ctx, a.opt.Now(), a.cfg.retention())
			return err
		}},
	}
}

// refresh takes over what has changed in the configuration on another node.
func (h *house) refresh(ctx context.Context) error {
	c, err := h.db.Refresh(ctx)
	if err != nil {
		return err
	}
	return h.pushers.reload(ctx, c.Version)
}

// expel ends the sockets of sessions that ended on any node.
func (h *house) expel(ctx context.Context) error {
	ended, err := h.auth.Ended(ctx)
	h.hub.Expel(ended)
	return err
}

// warm opens the connections to the providers before the first page has to
// wait for a TLS handshake, and says early when a provider cannot be reached.
func (h *house) warm(ctx context.Context) error {
	var errs []error
	for _, s := range h.pushers.switches {
		errs = append(errs, s.Warm(ctx))
	}
	if h.web != nil {
		errs = append(errs, h.web.Warm(ctx))
	}
	return errors.Join(errs...)
}
