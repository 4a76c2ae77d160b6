package models

import (
	"fmt"
	"time"

	"github.com/nightbell/nightbell/push"
)

// pruneGuard writes what one call of record decided about devices, and stops
// judging an app's when they fall too fast (I8). Where nothing is held against
// a device it asks nothing; an app is counted once for each call.
type pruneGuard struct {
	tx   *Tx
	apps map[appKey]*appTally
}

type appKey struct {
	provider push.Provider
	app      string
}

type appTally struct {
	push.Tally
	held bool
}

// judge writes the device's new state and gives the device as it is then.
func (g *pruneGuard) judge(dev push.Device, v push.Verdict, when time.Time) (push.Device, error) {
	if v.Judgement() {
		held, err := g.holds(dev, v.DeviceReason)
		if err != nil {
			return dev, err
		}
		if held {
			v = v.Spared()
		}
	}
	if v.DeviceState == "" && v.Environment == "" && v.Evidence == nil {
		return dev, nil
	}
	after := v.On(dev, when)
	return after, g.tx.saveVerdict(dev, after)
}

// saveVerdict writes it unless the device has registered again since it was
// judged: then everything is judged anew (I8). Evidence alone is nothing that
// paging asks for, so the catalogue need not hear of it.
func (tx *Tx) saveVerdict(was, is push.Device) error {
	n, err := tx.exec(`UPDATE devices SET state = ?, state_reason = ?, state_at = ?, environment = ?, evidence = ?
		WHERE id = ? AND token = ? AND registered_at = ?`,
		string(is.State), clean(is.StateReason), at(is.StateAt), is.Environment, clean(toJSON(is.Evidence)), was.ID, was.Token, at(was.RegisteredAt))
	if err != nil {
		return fmt.Errorf("changing a device's state: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("changing a device's state: %w", errRetry)
	}
	if was.State == is.State && was.Environment == is.Environment {
		return nil
	}
	return tx.bumpCatalog()
}

// holds counts a verdict against a device, or says that its app's are not
// judged, because of this one or of those before.
func (g *pruneGuard) holds(dev push.Device, reason string) (bool, error) {
	key := appKey{dev.Provider, dev.App}
	t := g.apps[key]
	now := g.tx.db.cfg.Now()
	if t == nil {
		var err error
		if t, err = g.tx.tally(key, now); err != nil {
			return false, fmt.Errorf("counting the devices judged: %w", err)
		}
		if g.apps == nil {
			g.apps = map[appKey]*appTally{}
		}
		g.apps[key] = t
	}
	switch {
	case t.held:
		return true, nil
	case t.Full():
		t.held = true
		return true, g.tx.hold(t.Hold(dev.Provider, dev.App, reason, now))
	case dev.State == push.DeviceActive: // a suspect that dies was counted before
		t.Judged++
	}
	return false, nil
}

// tally counts as of now. Nodes take turns here, so that two of them do not
// each judge as many as one may.
func (tx *Tx) tally(key appKey, now time.Time) (*appTally, error) {
	if tx.db.engine == postgres {
		if _, err := tx.exec(`SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`, "prune "+string(key.provider)+" "+key.app); err != nil {
			return nil, err
		}
	}
	// What was judged before the last hold ended has been looked at by somebody.
	from := now.Add(-push.GuardWindow)
	var until time.Time
	if err := tx.row(`SELECT MAX(until) FROM prune_holds WHERE provider = ? AND app = ?`, string(key.provider), key.app).Scan(into(&until)); err != nil {
		return nil, err
	}
	if until.After(now) {
		return &appTally{held: true}, nil
	}
	if until.After(from) {
		from = until
	}
	t := &appTally{}
	err := tx.row(`SELECT COUNT(*) FROM devices WHERE app = ? AND provider = ? AND removed_at IS NULL AND state <> 'active' AND state_at >= ?`,
		key.app, string(key.provider), at(from)).Scan(&t.Judged)
	if err != nil {
		return nil, err
	}
	err = tx.row(`SELECT COUNT(*) FROM devices WHERE app = ? AND provider = ? AND removed_at IS NULL AND (state <> 'dead' OR state_at >= ?)`,
		key.app, string(key.provider), at(from)).Scan(&t.Devices)
	return t, err
}

func (tx *Tx) hold(h push.Hold) error {
	_, err := tx.exec(`INSERT INTO prune_holds (provider, app, since, until, judged, devices, reason) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (provider, app) DO UPDATE SET since = excluded.since, until = excluded.until, judged = excluded.judged,
			devices = excluded.devices, reason = excluded.reason`,
		string(h.Provider), h.App, at(h.Since), at(h.Until), h.Judged, h.Devices, clean(h.Reason))
	if err != nil {
		return fmt.Errorf("holding an app's devices: %w", err)
	}
	return nil
}

// findProof looks whether a token that is called foreign has worked where it
// is. It asks only when there is another environment to try.
func (tx *Tx) findProof(o *push.Outcome, dev push.Device) error {
	if o.Elsewhere == "" || dev.Evidence.Home != "" {
		return nil
	}
	var n int
	err := tx.row(`SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE device_id = ? AND state = 'accepted' AND kind <> 'activity' AND created_at >= ? LIMIT 1) AS found`,
		dev.ID, at(dev.RegisteredAt)).Scan(&n)
	if err != nil {
		return fmt.Errorf("looking for proof of a token: %w", err)
	}
	o.Proven = n > 0
	return nil
}
