package api

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/respond"
)

// TestDevice rings one of the caller's own devices.
func (s *server) TestDevice(ctx context.Context, r TestDeviceRequestObject) (TestDeviceResponseObject, error) {
	if err := id.Check(id.Device, r.DeviceId); err != nil {
		return nil, err
	}
	who := caller(ctx).UserID
	if _, err := s.Devices.Device(ctx, who, r.DeviceId); err != nil {
		return nil, err
	}
	d, err := s.Watch.Test(ctx, respond.Trial{UserID: who, DeviceID: r.DeviceId, Loud: r.Body.Loud, Key: value(r.Params.IdempotencyKey)})
	if err != nil {
		return nil, err
	}
	return TestDevice201JSONResponse{
		DeliveryId: d.ID, DeviceId: d.DeviceID, Loud: d.About != nil && d.About.Loud, CreatedAt: d.CreatedAt, ExpiresAt: d.ExpiresAt,
	}, nil
}

// GetMyPageability says whether a page would wake the caller.
func (s *server) GetMyPageability(ctx context.Context, _ GetMyPageabilityRequestObject) (GetMyPageabilityResponseObject, error) {
	p, err := s.pageability(ctx, caller(ctx).UserID)
	return GetMyPageability200JSONResponse(p), err
}

// GetPageability says it of somebody else, to those who look after others.
func (s *server) GetPageability(ctx context.Context, r GetPageabilityRequestObject) (GetPageabilityResponseObject, error) {
	if err := id.Check(id.User, r.UserId); err != nil {
		return nil, err
	}
	who := caller(ctx)
	if who.UserID != r.UserId && who.Role.MayOversee() != nil {
		return nil, noUser()
	}
	p, err := s.pageability(ctx, r.UserId)
	return GetPageability200JSONResponse(p), err
}

func noUser() error {
	return fault.New(fault.NotFound, "not_found", "there is no such user, or none that you may see")
}

func (s *server) pageability(ctx context.Context, userID string) (Pageability, error) {
	found, err := s.Watch.Pageability(ctx, userID)
	if err != nil {
		return Pageability{}, err
	}
	if len(found) == 0 {
		return Pageability{}, noUser()
	}
	return reachability(found[0], s.now()), nil
}

// ListPageability says whom a page would wake, to those who look after others.
func (s *server) ListPageability(ctx context.Context, r ListPageabilityRequestObject) (ListPageabilityResponseObject, error) {
	if err := caller(ctx).Role.MayOversee(); err != nil {
		return nil, err
	}
	all, err := s.Watch.Pageability(ctx)
	if err != nil {
		return nil, err
	}
	wanted := value(r.Params.OnCall)
	all = slices.DeleteFunc(all, func(o respond.Reachability) bool { return wanted != "" && (wanted == "true") != o.OnCall })
	list := fmt.Sprintf("pageability %q", wanted)
	if r.Params.Cursor != nil {
		p, err := readCursor(list, *r.Params.Cursor)
		if err != nil {
			return nil, err
		}
		last := slices.IndexFunc(all, func(o respond.Reachability) bool { return o.Person.ID == p.id })
		if last < 0 {
			return nil, errBadCursor()
		}
		all = all[last+1:]
	}
	return pageabilityPage(all, list, limit(r.Params.Limit), s.now()), nil
}

func pageabilityPage(all []respond.Reachability, list string, n int, at time.Time) ListPageability200JSONResponse {
	page := ListPageability200JSONResponse{NextCursor: nullable.NewNullNullable[string]()}
	if len(all) > n {
		all = all[:n]
		page.NextCursor.Set(cursor(list, place{id: all[n-1].Person.ID}))
	}
	page.Items = make([]Pageability, len(all))
	for i, o := range all {
		page.Items[i] = reachability(o, at)
	}
	return page
}

func reachability(r respond.Reachability, at time.Time) Pageability {
	out := Pageability{
		User: Named{Id: r.Person.ID, Name: r.Person.Name}, OnCall: r.OnCall, Outlook: PageabilityOutlook(r.Outlook), Pageable: r.Pageable(),
		Summary: r.Summary(r.Person.Name), Obstacles: make([]Obstacle, len(r.Obstacles)), At: at,
	}
	for i, o := range r.Obstacles {
		out.Obstacles[i] = Obstacle{Code: o.Code, Text: o.Text, Blocks: o.Blocks, DeviceId: present(o.DeviceID)}
	}
	return out
}
