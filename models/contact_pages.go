package models

import (
	"context"
	"fmt"
	"slices"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
)

// pageTo reads a delivery and the address it went to. Removed addresses and
// those of nobody who proved to be their owner are not found.
const pageTo = ` FROM deliveries d JOIN devices v ON v.id = d.device_id AND v.removed_at IS NULL AND v.verified_at IS NOT NULL`

// Page serves api.Pages.
func (c Contacts) Page(ctx context.Context, deliveryID string) (push.Delivery, push.Device, error) {
	return c.page(ctx, pageTo+` WHERE d.id = ? AND v.target_kind = 'address'`, deliveryID)
}

// NewestPageTo serves api.Pages.
func (c Contacts) NewestPageTo(ctx context.Context, by push.Provider, number string) (push.Delivery, push.Device, error) {
	return c.page(ctx, pageTo+` JOIN incidents i ON i.id = d.incident_id
		WHERE v.provider = ? AND v.token = ? AND v.target_kind = 'address' AND d.kind = 'page' AND d.state = 'accepted' AND i.status <> 'resolved'
		ORDER BY d.id DESC LIMIT 1`, string(by), clean(number))
}

func (c Contacts) page(ctx context.Context, from string, args ...any) (d push.Delivery, v push.Device, err error) {
	found, err := c.db.query(ctx, `SELECT `+of("d", deliveryColumns)+`, `+of("v", deviceColumns)+from, args...)
	if err != nil {
		return d, v, fmt.Errorf("looking for a page: %w", readFailure(err))
	}
	type pair struct {
		delivery push.Delivery
		device   push.Device
	}
	all, err := collect(found, func(r scanner) (p pair, err error) {
		err = r.Scan(slices.Concat(deliveryFields(&p.delivery), deviceFields(&p.device))...)
		return p, err
	})
	switch {
	case err != nil:
		return d, v, fmt.Errorf("looking for a page: %w", err)
	case len(all) == 0:
		return d, v, fault.New(fault.NotFound, "not_found", "there is no such page")
	}
	return all[0].delivery, all[0].device, nil
}
