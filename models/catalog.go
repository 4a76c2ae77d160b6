package models

import (
	"context"
	"fmt"

	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// loadCatalog reads everything configured: seven queries, whatever its size.
func loadCatalog(ctx context.Context, q queryer, version int64) (*respond.Catalog, error) {
	c := &respond.Catalog{Version: version}
	for _, part := range []struct {
		name string
		load func(context.Context, queryer, *respond.Catalog) error
	}{
		{"services", loadServices}, {"integrations", loadIntegrations}, {"policies", loadPolicies},
		{"schedules", loadSchedules}, {"people", loadPeople}, {"devices", loadDevices},
	} {
		if err := part.load(ctx, q, c); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return c, nil
}

func loadServices(ctx context.Context, q queryer, c *respond.Catalog) (err error) {
	c.Services, err = indexed[Service](ctx, q, func(s respond.Service) string { return s.ID })
	return err
}

func loadIntegrations(ctx context.Context, q queryer, c *respond.Catalog) (err error) {
	c.Integrations, err = indexed[Integration](ctx, q, func(i respond.Integration) string { return i.RoutingKey })
	return err
}

func loadPolicies(ctx context.Context, q queryer, c *respond.Catalog) (err error) {
	c.Policies, err = indexed[Policy](ctx, q, func(p oncall.Policy) string { return p.ID })
	return err
}

func loadSchedules(ctx context.Context, q queryer, c *respond.Catalog) (err error) {
	c.Schedules, err = indexed[Schedule](ctx, q, func(s oncall.Schedule) string { return s.ID })
	return err
}

// indexed reads a whole table into a map.
func indexed[R interface{ noun() N }, N any](ctx context.Context, q queryer, key func(N) string) (map[string]N, error) {
	rows, err := find[R](ctx, q, "")
	if err != nil {
		return nil, err
	}
	m := make(map[string]N, len(rows))
	for _, r := range rows {
		n := r.noun()
		m[key(n)] = n
	}
	return m, nil
}

func loadPeople(ctx context.Context, q queryer, c *respond.Catalog) error {
	users, err := find[User](ctx, q, "")
	if err != nil {
		return err
	}
	rules, err := loadRules(ctx, q)
	if err != nil {
		return err
	}
	c.People = make(map[string]respond.Person, len(users))
	for _, u := range users {
		c.People[u.ID] = respond.Person{
			ID: u.ID, Name: u.Name, Email: u.Email, TimeZone: u.TimeZone, Locale: u.Locale, Role: u.Role, Disabled: u.Disabled, Rules: rules[u.ID],
		}
	}
	return nil
}

// loadRules reads all notification rules, by user and in their order.
func loadRules(ctx context.Context, q queryer) (map[string][]oncall.Rule, error) {
	rows, err := find[Rule](ctx, q, "ORDER BY user_id, position")
	if err != nil {
		return nil, err
	}
	rules := map[string][]oncall.Rule{}
	for _, r := range rows {
		rules[r.UserID] = append(rules[r.UserID], r.noun())
	}
	return rules, nil
}

func loadDevices(ctx context.Context, q queryer, c *respond.Catalog) error {
	rows, err := find[Device](ctx, q, "WHERE removed_at IS NULL AND state <> 'dead' ORDER BY created_at, id")
	if err != nil {
		return err
	}
	c.Devices = map[string][]push.Device{}
	for _, r := range rows {
		c.Devices[r.UserID] = append(c.Devices[r.UserID], r.noun())
	}
	return nil
}
