package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/push"
)

// warmWithin is how long a new sender may open connections before it takes
// over; slower ones take over all the same.
const warmWithin = 3 * time.Second

// provider is a sender that is made of apps and must be closed.
type provider interface {
	push.Sender
	Warm(ctx context.Context) error
	Close()
}

// pushers are the senders of this node whose apps may change while it runs:
// the configuration file's, and those that admins set up through the API.
type pushers struct {
	app      *App
	store    models.PushApps
	vault    auth.Vault
	pipeline *push.Pipeline
	switches map[push.Provider]*push.Switch
	names    atomic.Pointer[map[push.Provider][]string]
	options  atomic.Pointer[map[appKey]push.AppOptions]

	mu      sync.Mutex // one change of senders at a time
	apps    []push.App // the API's, as the senders know them
	version int64      // of the configuration when they were read
	inUse   map[push.Provider]provider
	leaving sync.WaitGroup // senders that finish what they have begun
}

// newPushers makes the senders of the configuration file's apps. It only reads
// keys and connects to nobody, so a key that is no key is found before
// anything is opened.
func newPushers(a *App) (*pushers, error) {
	p := &pushers{app: a, switches: map[push.Provider]*push.Switch{}, inUse: map[push.Provider]provider{}}
	for _, of := range []push.Provider{push.APNs, push.FCM} {
		p.switches[of] = push.NewSwitch(of)
		next, err := p.build(of, nil)
		if err != nil {
			return nil, err
		}
		p.put(of, next)
	}
	p.nameAll()
	a.opened.add("connections to push providers", func(context.Context) error { p.close(); return nil })
	return p, nil
}

// join adds what the database knows of.
func (p *pushers) join(ctx context.Context, db *models.DB, secret []byte) error {
	p.store, p.vault = db.PushApps(), auth.NewVault(secret, "push apps")
	return p.reload(ctx, db.Catalog().Version)
}

// reload takes over what has changed in the database, on whichever node: the
// providers concerned get a new sender, the old one finishes its sends, and
// paused lanes are tried at once. It does nothing while the configuration's
// version is the one it knows. What fails is tried again with the next call,
// and is as it was until then.
func (p *pushers) reload(ctx context.Context, version int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if version != 0 && version == p.version {
		return nil
	}
	all, err := p.store.All(ctx)
	if err != nil {
		return err
	}
	failed := error(nil)
	for _, of := range []push.Provider{push.APNs, push.FCM} {
		if !slices.ContainsFunc(difference(p.apps, all), isOf(of)) {
			continue
		}
		if err := p.exchange(ctx, of, all); err != nil {
			failed = errors.Join(failed, err)
			all = slices.Concat(slices.DeleteFunc(all, isOf(of)), only(p.apps, of)) // until it succeeds
		}
	}
	changed := difference(p.apps, all)
	if p.apps = all; failed == nil {
		p.version = version
	}
	p.nameAll()
	for _, a := range changed {
		p.mended(ctx, a)
	}
	return failed
}

func isOf(p push.Provider) func(push.App) bool {
	return func(a push.App) bool { return a.Provider == p }
}

// only leaves the provider's.
func only(all []push.App, of push.Provider) []push.App {
	return slices.DeleteFunc(slices.Clone(all), func(a push.App) bool { return a.Provider != of })
}

// difference is what is new, changed or gone.
func difference(old, now []push.App) (changed []push.App) {
	same := func(a, b push.App) bool {
		return a.Provider == b.Provider && a.Name == b.Name && a.UpdatedAt.Equal(b.UpdatedAt) && slices.Equal(a.Sealed, b.Sealed)
	}
	for _, side := range [][2][]push.App{{now, old}, {old, now}} {
		for _, a := range side[0] {
			if !slices.ContainsFunc(side[1], func(b push.App) bool { return same(a, b) }) &&
				!slices.ContainsFunc(changed, func(b push.App) bool { return a.Provider == b.Provider && a.Name == b.Name }) {
				changed = append(changed, a)
			}
		}
	}
	return changed
}

// exchange gives the provider a sender of the apps as they are now.
func (p *pushers) exchange(ctx context.Context, of push.Provider, all []push.App) error {
	next, err := p.build(of, all)
	if err != nil {
		return fmt.Errorf("making the senders anew: %w", err)
	}
	if next != nil && p.pipeline != nil {
		warm, cancel := context.WithTimeout(ctx, warmWithin)
		defer cancel()
		if err := next.Warm(warm); err != nil {
			p.app.log.Warn("a push provider with new apps could not be reached yet", "provider", of, "error", err)
		}
	}
	p.put(of, next)
	return nil
}

// put makes next (nil: nobody) the provider's sender.
func (p *pushers) put(of push.Provider, next provider) {
	old := p.inUse[of]
	var sender push.Sender
	if p.inUse[of] = next; next != nil {
		sender = next
	}
	empty := p.switches[of].Set(sender)
	if old != nil {
		p.leaving.Go(func() { // a send has a deadline, so this ends
			empty()
			old.Close()
		})
	}
}

// mended lets what waited for the app go now.
func (p *pushers) mended(ctx context.Context, a push.App) {
	if p.pipeline == nil {
		return // before the first page
	}
	if err := p.store.Hasten(ctx, a.Provider, a.Name, p.app.opt.Now()); err != nil {
		p.app.log.Warn("pages that wait for a changed push app could not be hastened; they go at their time", "app", a.Name, "error", err)
	}
	p.pipeline.Mended(a.Provider, a.Name)
}

// nameAll notes the names that devices may register for.
func (p *pushers) nameAll() {
	names := p.app.cfg.pushApps()
	for _, a := range p.apps {
		if a.Provider == push.WebPush {
			continue // it is there when it is switched on, and pushApps says so
		}
		if !slices.Contains(names[a.Provider], a.Name) {
			names[a.Provider] = append(names[a.Provider], a.Name)
		}
	}
	p.names.Store(&names)
	p.optionsAnew()
}

// appKey names an app.
type appKey struct {
	provider push.Provider
	name     string
}

// optionsAnew notes what is configured for each app beside its keys; the
// configuration file's word is the last.
func (p *pushers) optionsAnew() {
	options := map[appKey]push.AppOptions{}
	for _, a := range p.apps {
		options[appKey{a.Provider, a.Name}] = a.Settings.AppOptions
	}
	for _, a := range p.app.cfg.knownApps() {
		options[appKey{a.Provider, a.Name}] = a.Settings.AppOptions
	}
	p.options.Store(&options)
}

// Options gives what is configured for an app beside its keys.
func (p *pushers) Options(of push.Provider, name string) push.AppOptions {
	return (*p.options.Load())[appKey{of, name}]
}

// Names gives the names of the provider's apps.
func (p *pushers) Names(of push.Provider) []string { return (*p.names.Load())[of] }

// close ends all senders; their connections are cut.
func (p *pushers) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for of := range p.switches {
		if s := p.inUse[of]; s != nil {
			s.Close()
		}
	}
	p.leaving.Wait()
}
