package api

import (
	"context"

	"github.com/nightbell/nightbell/push"
)

// ListHolds tells admins which apps' devices are not judged.
func (s *server) ListHolds(ctx context.Context, _ ListHoldsRequestObject) (ListHoldsResponseObject, error) {
	if err := caller(ctx).Role.MayManage(); err != nil {
		return nil, err
	}
	found, err := s.Holds.Holds(ctx, s.now())
	if err != nil {
		return nil, err
	}
	answer := ListHolds200JSONResponse{Items: make([]Hold, len(found))}
	for i, h := range found {
		answer.Items[i] = Hold{
			Provider: string(h.Provider), App: h.App, Since: h.Since, Until: h.Until, Judged: h.Judged, Devices: h.Devices, Reason: h.Reason,
		}
	}
	return answer, nil
}

// ReleaseHold lets an app's devices be judged again.
func (s *server) ReleaseHold(ctx context.Context, r ReleaseHoldRequestObject) (ReleaseHoldResponseObject, error) {
	who := caller(ctx)
	if err := who.Role.MayManage(); err != nil {
		return nil, err
	}
	if err := s.Holds.Release(ctx, push.Provider(r.Provider), r.App, s.now()); err != nil {
		return nil, err
	}
	s.Log.Info("the mass-prune guard was released: devices of the app are judged again", "provider", r.Provider, "app", r.App, "by", who.Name)
	return ReleaseHold204Response{}, nil
}
