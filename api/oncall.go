package api

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/nightbell/nightbell/respond"
)

// ListOnCall says whom an incident of each service would wake.
func (s *server) ListOnCall(_ context.Context, r ListOnCallRequestObject) (ListOnCallResponseObject, error) {
	if err := checkServices(r.Params.ServiceId); err != nil {
		return nil, err
	}
	at := s.now()
	if r.Params.At != nil {
		at = utc(r.Params.At)
	}
	found := s.Desk.OnCall(at)
	if wanted := r.Params.ServiceId; len(wanted) > 0 {
		found = slices.DeleteFunc(found, func(o respond.ServiceOnCall) bool { return !slices.Contains(wanted, o.Service.ID) })
	}
	list := fmt.Sprintf("oncall %q %d", sorted(r.Params.ServiceId), utc(r.Params.At).UnixMicro())
	found, err := after(found, list, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	return onCallPage(found, list, at, limit(r.Params.Limit)), nil
}

// after drops what former pages gave. The list is made anew each time, so the
// cursor names the last service; when that was removed since, start again.
func after(found []respond.ServiceOnCall, list string, given *Cursor) ([]respond.ServiceOnCall, error) {
	if given == nil {
		return found, nil
	}
	p, err := readCursor(list, *given)
	if err != nil {
		return nil, err
	}
	last := slices.IndexFunc(found, func(o respond.ServiceOnCall) bool { return o.Service.ID == p.id })
	if last < 0 {
		return nil, errBadCursor()
	}
	return found[last+1:], nil
}

func onCallPage(found []respond.ServiceOnCall, list string, at time.Time, n int) ListOnCall200JSONResponse {
	page := ListOnCall200JSONResponse{At: at, NextCursor: nullable.NewNullNullable[string]()}
	if len(found) > n {
		found = found[:n]
		page.NextCursor.Set(cursor(list, place{id: found[n-1].Service.ID}))
	}
	page.Items = make([]ServiceOnCall, len(found))
	for i, o := range found {
		page.Items[i] = serviceOnCall(o)
	}
	return page
}

func serviceOnCall(o respond.ServiceOnCall) ServiceOnCall {
	out := ServiceOnCall{Service: Named{Id: o.Service.ID, Name: o.Service.Name}, Levels: make([]LevelOnCall, len(o.Levels))}
	if o.Policy.ID != "" {
		out.Policy = &Named{Id: o.Policy.ID, Name: o.Policy.Name}
	}
	for i, l := range o.Levels {
		level := LevelOnCall{Level: l.Level, DelaySeconds: int64(l.Delay.Seconds()), People: make([]Named, len(l.People))}
		for k, p := range l.People {
			level.People[k] = Named{Id: p.ID, Name: p.Name}
		}
		out.Levels[i] = level
	}
	return out
}
