package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/oncall"
)

// ListNotificationRules gives the caller's ladder.
func (s *server) ListNotificationRules(ctx context.Context, _ ListNotificationRulesRequestObject) (ListNotificationRulesResponseObject, error) {
	rules, err := s.Contacts.Rules(ctx, caller(ctx).UserID)
	if err != nil {
		return nil, err
	}
	return ListNotificationRules200JSONResponse(notificationRules(rules)), nil
}

// ReplaceNotificationRules sets the whole ladder.
func (s *server) ReplaceNotificationRules(ctx context.Context, r ReplaceNotificationRulesRequestObject) (ReplaceNotificationRulesResponseObject, error) {
	userID := caller(ctx).UserID
	rules := make([]oncall.Rule, len(r.Body.Items))
	for i, given := range r.Body.Items {
		rule := oncall.Rule{
			ID: id.New(id.Rule), Urgency: string(given.Urgency), Method: given.Method, DeviceID: value(given.DeviceId),
			Delay:           time.Duration(value(given.DelaySeconds)) * time.Second,
			DisplayedWithin: time.Duration(value(given.DisplayedWithinSeconds)) * time.Second,
		}
		if err := s.ruleChecked(ctx, userID, rule); err != nil {
			return nil, within(i, err)
		}
		rules[i] = rule
	}
	stored, err := s.Contacts.ReplaceRules(ctx, userID, rules)
	if err != nil {
		return nil, err
	}
	return ReplaceNotificationRules200JSONResponse(notificationRules(stored)), nil
}

// ruleChecked refuses a rule that could reach nothing of this person's.
func (s *server) ruleChecked(ctx context.Context, userID string, r oncall.Rule) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if r.DeviceID == "" {
		return nil
	}
	if err := checkID("device_id", id.Device, r.DeviceID); err != nil {
		return err
	}
	d, err := s.Devices.Device(ctx, userID, r.DeviceID)
	switch {
	case err != nil && fault.KindOf(err) == fault.NotFound:
		return fault.Field("device_id", "unknown_device", "you have no device or contact method %s", r.DeviceID)
	case err != nil:
		return err
	case oncall.Method(d.Method()) != r.Method:
		return fault.Field("device_id", "unknown_device", "%s is reached by %s, not by %s", r.DeviceID, d.Method(), r.Method)
	}
	return nil
}

// within says which of the rules is refused.
func within(i int, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid {
		return err
	}
	field := f.Field
	if field == "delay" || field == "displayed_within" {
		field += "_seconds" // as it is called here
	}
	return fault.Field(fmt.Sprintf("items.%d.%s", i, field), f.Code, "%s", f.Message)
}

func notificationRules(rules []oncall.Rule) NotificationRuleList {
	out := NotificationRuleList{Items: make([]NotificationRule, len(rules))}
	for i, r := range rules {
		out.Items[i] = NotificationRule{
			Id: r.ID, Urgency: Urgency(r.Urgency), Method: r.Method, DelaySeconds: int(r.Delay / time.Second),
			DeviceId: present(r.DeviceID), DisplayedWithinSeconds: int(r.DisplayedWithin / time.Second),
		}
	}
	return out
}
