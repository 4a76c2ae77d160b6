package models

import (
	"context"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
)

// Holds gives the apps whose devices are not judged at the moment, by provider
// and name.
func (r Registry) Holds(ctx context.Context, now time.Time) ([]push.Hold, error) {
	found, err := r.db.query(ctx, `SELECT provider, app, since, until, judged, devices, reason FROM prune_holds
		WHERE until > ? ORDER BY provider, app`, at(now))
	if err != nil {
		return nil, readFailure(err)
	}
	return collect(found, func(s scanner) (h push.Hold, err error) {
		err = s.Scan(&h.Provider, &h.App, into(&h.Since), into(&h.Until), &h.Judged, &h.Devices, &h.Reason)
		return h, err
	})
}

// Release ends a hold now. The row stays: what was judged before it ended is
// not counted again. fault.NotFound if there is none.
func (r Registry) Release(ctx context.Context, p push.Provider, app string, now time.Time) error {
	if app != clean(app) {
		return noHold()
	}
	return r.db.Write(ctx, "release", func(tx *Tx) error {
		n, err := tx.exec(`UPDATE prune_holds SET until = ? WHERE provider = ? AND app = ? AND until > ?`, at(now), string(p), app, at(now))
		if err != nil {
			return fmt.Errorf("releasing a hold: %w", err)
		}
		if n == 0 {
			return noHold()
		}
		return nil
	})
}

func noHold() error {
	return fault.New(fault.NotFound, "not_found", "the devices of this app are not held; list what is with GET /v1/push/holds")
}
