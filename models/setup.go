package models

import (
	"context"
	"fmt"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/setup"
)

// Setup gives the store of the configuration.
func (db *DB) Setup() setup.Store { return configuration{db} }

type configuration struct{ db *DB }

// Configuration implements setup.Store: everything as of one moment.
func (c configuration) Configuration(ctx context.Context) (s setup.State, err error) {
	err = c.db.snapshot(ctx, func(q queryer) error {
		s, err = readState(ctx, q)
		return err
	})
	if err != nil {
		return setup.State{}, fmt.Errorf("reading the configuration: %w", err)
	}
	return s, nil
}

func readState(ctx context.Context, q queryer) (s setup.State, err error) {
	if s.Version, err = catalogVersion(ctx, q); err != nil {
		return s, err
	}
	if s.Users, err = all[User](ctx, q); err != nil {
		return s, err
	}
	if s.Rules, err = loadRules(ctx, q); err != nil {
		return s, err
	}
	if s.Schedules, err = all[Schedule](ctx, q); err != nil {
		return s, err
	}
	if s.Policies, err = all[Policy](ctx, q); err != nil {
		return s, err
	}
	if s.Services, err = all[Service](ctx, q); err != nil {
		return s, err
	}
	if s.Integrations, err = all[Integration](ctx, q); err != nil {
		return s, err
	}
	rows, err := find[Device](ctx, q, "WHERE target_kind = 'address' AND removed_at IS NULL ORDER BY id")
	s.Contacts = nouns[Device, push.Device](rows)
	return s, err
}

// all reads a whole table, oldest first: ids sort by birth.
func all[R interface{ noun() N }, N any](ctx context.Context, q queryer) ([]N, error) {
	rows, err := find[R](ctx, q, "ORDER BY id")
	return nouns[R, N](rows), err
}

// Apply implements setup.Store: all of the changes or none. The order follows
// the references between the tables.
func (c configuration) Apply(ctx context.Context, ch setup.Changes) error {
	return c.db.Write(ctx, "setup", func(tx *Tx) error {
		if err := tx.atVersion(ch.Version); err != nil {
			return err
		}
		for _, put := range []func() error{
			func() error { return tx.endSessionsOf(ch.Users) },
			func() error { return upsert(tx, rowsOf(ch.Users, userRow)) },
			func() error { return tx.replaceRules(ch.Rules) },
			func() error { return upsert(tx, rowsOf(ch.Contacts, deviceRow)) },
			func() error { return upsert(tx, rowsOf(ch.Schedules, scheduleRow)) },
			func() error { return upsert(tx, rowsOf(ch.Policies, policyRow)) },
			func() error { return upsert(tx, rowsOf(ch.Services, serviceRow)) },
			func() error { return upsert(tx, rowsOf(ch.Integrations, integrationRow)) },
		} {
			if err := put(); err != nil {
				return err
			}
		}
		return tx.bumpCatalog()
	})
}

// atVersion locks the configuration and refuses changes planned on another
// version of it.
func (tx *Tx) atVersion(planned int64) error {
	var version int64
	if err := tx.row(`SELECT version FROM catalog_version` + tx.forUpdate()).Scan(&version); err != nil {
		return fmt.Errorf("locking the configuration: %w", err)
	}
	if version != planned {
		return fault.New(fault.Conflict, "configuration_moved", "somebody else has changed the configuration since it was read; nothing was saved, try again")
	}
	return nil
}

// replaceRules gives these users these rules and no others.
func (tx *Tx) replaceRules(rules map[string][]oncall.Rule) error {
	var rows []Rule
	for userID, list := range rules {
		if _, err := tx.exec(`DELETE FROM rules WHERE user_id = ?`, userID); err != nil {
			return fmt.Errorf("replacing notification rules: %w", err)
		}
		for i, r := range list {
			rows = append(rows, ruleRow(userID, i, r))
		}
	}
	return insert(tx, rows...)
}
