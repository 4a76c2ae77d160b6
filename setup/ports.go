package setup

import (
	"context"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/respond"
)

// State is the whole configuration that a setup file can speak of.
type State struct {
	Users        []auth.User
	Rules        map[string][]oncall.Rule // by user id
	Schedules    []oncall.Schedule
	Policies     []oncall.Policy
	Services     []respond.Service
	Integrations []respond.Integration
}

// Changes are rows to insert or replace, by id. Nothing is ever deleted.
type Changes struct {
	Users        []auth.User
	Rules        map[string][]oncall.Rule // replaces all rules of these users
	Schedules    []oncall.Schedule
	Policies     []oncall.Policy
	Services     []respond.Service
	Integrations []respond.Integration
}

// Store reads and writes configuration; Apply is one transaction and bumps
// the catalogue's version.
type Store interface {
	Configuration(ctx context.Context) (State, error)
	Apply(ctx context.Context, c Changes) error
}
