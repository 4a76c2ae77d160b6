package api

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// PutActivity takes the update token of a Live Activity.
func (s *server) PutActivity(ctx context.Context, r PutActivityRequestObject) (PutActivityResponseObject, error) {
	token, err := activityToken("token", r.Body.Token)
	if err != nil {
		return nil, err
	}
	if err := s.reportActivity(ctx, r.DeviceId, r.IncidentId, token); err != nil {
		return nil, err
	}
	return PutActivity204Response{}, nil
}

// EndActivity notes that a Live Activity is gone.
func (s *server) EndActivity(ctx context.Context, r EndActivityRequestObject) (EndActivityResponseObject, error) {
	if err := s.reportActivity(ctx, r.DeviceId, r.IncidentId, ""); err != nil {
		return nil, err
	}
	return EndActivity204Response{}, nil
}

// reportActivity reports a token; without one, the end.
func (s *server) reportActivity(ctx context.Context, deviceID, incidentID, token string) error {
	if err := id.Check(id.Device, deviceID); err != nil {
		return err
	}
	if err := id.Check(id.Incident, incidentID); err != nil {
		return err
	}
	return s.Desk.ReportActivity(ctx, respond.ActivityReport{
		UserID: caller(ctx).UserID, DeviceID: deviceID, IncidentID: incidentID, Token: token, Ended: token == "",
	})
}

// activityToken writes a token in one spelling, as device tokens are.
func activityToken(field, token string) (string, error) {
	if _, err := hex.DecodeString(token); err != nil || token == "" {
		return "", fault.Field(field, "bad_token", "a Live Activity's token is hexadecimal digits; send the token's bytes in hexadecimal")
	}
	return strings.ToLower(token), nil
}

// setExtras takes over the sealing key and how Live Activities are taken.
func setExtras(d *push.Device, sealKey *string, la *LiveActivity) error {
	if sealKey != nil {
		if err := push.CheckSealKey(*sealKey); err != nil {
			return err
		}
		d.Keys.Seal = *sealKey
	}
	if la == nil {
		return nil
	}
	d.LiveActivity = push.LiveActivity{Frequent: value(la.Frequent)}
	if la.StartToken == nil {
		return nil
	}
	if d.Provider != push.APNs {
		return fault.Field("live_activity", "bad_platform", "only iPhones reached by APNs take Live Activities; leave live_activity out")
	}
	var err error
	d.LiveActivity.StartToken, err = activityToken("live_activity.start_token", *la.StartToken)
	return err
}
