package api

import (
	"context"
	"fmt"

	"github.com/oapi-codegen/nullable"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// ListIncidentDeliveries gives every notification of an incident.
func (s *server) ListIncidentDeliveries(ctx context.Context, r ListIncidentDeliveriesRequestObject) (ListIncidentDeliveriesResponseObject, error) {
	if _, err := s.incident(ctx, r.IncidentId); err != nil {
		return nil, err
	}
	page, err := s.deliveryPage(ctx, respond.DeliveryFilter{IncidentID: r.IncidentId, Limit: limit(r.Params.Limit)}, r.Params.Cursor)
	return ListIncidentDeliveries200JSONResponse(page), err
}

// ListDeliveries gives the delivery log, everybody's to those who manage.
func (s *server) ListDeliveries(ctx context.Context, r ListDeliveriesRequestObject) (ListDeliveriesResponseObject, error) {
	f, err := deliveryFilter(r.Params, caller(ctx))
	if err != nil {
		return nil, err
	}
	page, err := s.deliveryPage(ctx, f, r.Params.Cursor)
	return ListDeliveries200JSONResponse(page), err
}

func deliveryFilter(p ListDeliveriesParams, who auth.Principal) (respond.DeliveryFilter, error) {
	f := respond.DeliveryFilter{
		UserID: value(p.UserId), DeviceID: value(p.DeviceId), Kinds: p.Kind, States: p.State,
		Since: utc(p.Since), Until: utc(p.Until), Limit: limit(p.Limit),
	}
	if f.UserID == "me" {
		f.UserID = who.UserID
	}
	if p.UserId != nil {
		if err := checkID("user_id", id.User, f.UserID); err != nil {
			return f, err
		}
	}
	if p.DeviceId != nil {
		if err := checkID("device_id", id.Device, f.DeviceID); err != nil {
			return f, err
		}
	}
	if f.UserID != who.UserID && !overseer(who.Role) {
		return f, fault.New(fault.Forbidden, "role_too_low", "your role sees your own deliveries only; ask with user_id=me")
	}
	return f, nil
}

// overseer reports whether a role looks after other people's paging.
func overseer(r auth.Role) bool { return r == auth.Owner || r == auth.Admin || r == auth.Manager }

func (s *server) deliveryPage(ctx context.Context, f respond.DeliveryFilter, given *Cursor) (DeliveryPage, error) {
	list := fmt.Sprintf("deliveries %q %q %q %q %q %d %d", f.IncidentID, f.UserID, f.DeviceID,
		sorted(f.Kinds), sorted(f.States), f.Since.UnixMicro(), f.Until.UnixMicro())
	if given != nil {
		p, err := readCursor(list, *given)
		if err != nil {
			return DeliveryPage{}, err
		}
		f.BeforeID = p.id
	}
	found, more, err := s.Deliveries.ListDeliveries(ctx, f)
	if err != nil {
		return DeliveryPage{}, err
	}
	page := DeliveryPage{Items: make([]Delivery, len(found)), NextCursor: nullable.NewNullNullable[string]()}
	for i, story := range found {
		page.Items[i] = delivery(story)
	}
	if more && len(found) > 0 {
		page.NextCursor.Set(cursor(list, place{id: found[len(found)-1].Delivery.ID}))
	}
	return page, nil
}

func delivery(s respond.DeliveryStory) Delivery {
	d := s.Delivery
	out := Delivery{
		Id: d.ID, Kind: d.Kind, IncidentId: present(d.IncidentID), NotificationId: present(d.NotificationID),
		UserId: d.UserID, DeviceId: d.DeviceID, State: d.State, CreatedAt: d.CreatedAt, DueAt: d.DueAt, ExpiresAt: present(d.ExpiresAt),
		Attempts: make([]DeliveryAttempt, len(s.Attempts)), Receipts: make([]DeliveryReceipt, len(s.Receipts)),
	}
	for i, a := range s.Attempts {
		out.Attempts[i] = attempt(a)
	}
	for i, r := range s.Receipts {
		out.Receipts[i] = DeliveryReceipt{
			Event: r.Event, At: r.At, DeviceAt: present(r.DeviceAt), ClockOff: r.ClockOff, DeliveredPriority: present(r.DeliveredPriority),
			OriginalPriority: present(r.OriginalPriority), Detail: present(r.Detail),
		}
	}
	return out
}

func attempt(a push.Attempt) DeliveryAttempt {
	return DeliveryAttempt{
		Attempt: a.Attempt, SentAt: a.SentAt, DoneAt: a.DoneAt, LatencyMs: a.DoneAt.Sub(a.SentAt).Milliseconds(),
		Provider: string(a.Provider), App: a.App, Environment: a.Environment, Class: string(a.Class), Status: a.Status,
		Reason: present(a.Reason), ProviderId: present(a.ProviderID), Level: present(a.Level), Downgrade: present(a.Downgrade),
	}
}
