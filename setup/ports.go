package setup

import (
	"context"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// State is the whole configuration that a setup file can speak of.
type State struct {
	// Version is the catalogue's version that was read: see [Changes.Version].
	Version      int64
	Users        []auth.User
	Rules        map[string][]oncall.Rule // by user id, in the user's own order
	Schedules    []oncall.Schedule
	Policies     []oncall.Policy
	Services     []respond.Service
	Integrations []respond.Integration
	// Contacts are everybody's addresses; apps and browsers are none.
	Contacts []push.Device
}

// Changes are rows to insert or replace, by id. Nothing is ever deleted.
type Changes struct {
	// Version is the State.Version the changes were planned on. A store whose
	// configuration has moved on since refuses with code "configuration_moved":
	// replacing rows by a plan made on older ones would undo somebody's work.
	Version      int64
	Users        []auth.User
	Rules        map[string][]oncall.Rule // replaces all rules of these users
	Schedules    []oncall.Schedule
	Policies     []oncall.Policy
	Services     []respond.Service
	Integrations []respond.Integration
	Contacts     []push.Device
}

// Empty reports whether there is nothing to write.
func (c Changes) Empty() bool {
	return len(c.Users)+len(c.Rules)+len(c.Schedules)+len(c.Policies)+len(c.Services)+len(c.Integrations)+len(c.Contacts) == 0
}

// Store reads and writes configuration; Apply is one transaction and bumps
// the catalogue's version.
type Store interface {
	Configuration(ctx context.Context) (State, error)
	Apply(ctx context.Context, c Changes) error
}
