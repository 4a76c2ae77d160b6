package models

import (
	"database/sql/driver"
	"time"

	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// document is a JSON column.
type document[T any] struct{ Of T }

// Value implements [driver.Valuer].
func (d document[T]) Value() (driver.Value, error) { return clean(toJSON(d.Of)), nil }

// Scan implements [sql.Scanner].
func (d *document[T]) Scan(src any) error { return jsonInto{&d.Of}.Scan(src) }

// Schedule is a row of schedules.
type Schedule struct {
	ID       string `gorm:"primaryKey"`
	Name     string
	NameKey  string
	TimeZone string
	Layers   document[[]oncall.Layer]
}

func scheduleRow(s oncall.Schedule) Schedule {
	return Schedule{ID: s.ID, Name: clean(s.Name), NameKey: setup.NameKey(clean(s.Name)), TimeZone: s.TimeZone, Layers: document[[]oncall.Layer]{s.Layers}}
}

func (r Schedule) noun() oncall.Schedule {
	return oncall.Schedule{ID: r.ID, Name: r.Name, TimeZone: r.TimeZone, Layers: r.Layers.Of}
}

// Policy is a row of policies.
type Policy struct {
	ID      string `gorm:"primaryKey"`
	Name    string
	NameKey string
	Levels  document[[]oncall.Level]
	Loops   int
}

func policyRow(p oncall.Policy) Policy {
	return Policy{ID: p.ID, Name: clean(p.Name), NameKey: setup.NameKey(clean(p.Name)), Levels: document[[]oncall.Level]{p.Levels}, Loops: p.Loops}
}

func (r Policy) noun() oncall.Policy {
	return oncall.Policy{ID: r.ID, Name: r.Name, Levels: r.Levels.Of, Loops: r.Loops}
}

// Service is a row of services.
type Service struct {
	ID          string `gorm:"primaryKey"`
	Name        string
	NameKey     string
	PolicyID    string
	Urgency     string
	AckTimeout  int64
	AutoResolve int64
}

func serviceRow(s respond.Service) Service {
	return Service{
		ID: s.ID, Name: clean(s.Name), NameKey: setup.NameKey(clean(s.Name)), PolicyID: s.PolicyID, Urgency: string(s.Urgency),
		AckTimeout: int64(s.AckTimeout), AutoResolve: int64(s.AutoResolve),
	}
}

func (r Service) noun() respond.Service {
	return respond.Service{
		ID: r.ID, Name: r.Name, PolicyID: r.PolicyID, Urgency: respond.UrgencyRule(r.Urgency),
		AckTimeout: time.Duration(r.AckTimeout), AutoResolve: time.Duration(r.AutoResolve),
	}
}

// Integration is a row of integrations.
type Integration struct {
	ID         string `gorm:"primaryKey"`
	ServiceID  string
	Name       string
	NameKey    string
	RoutingKey string
}

func integrationRow(i respond.Integration) Integration {
	return Integration{ID: i.ID, ServiceID: i.ServiceID, Name: clean(i.Name), NameKey: setup.NameKey(clean(i.Name)), RoutingKey: i.RoutingKey}
}

func (r Integration) noun() respond.Integration {
	return respond.Integration{ID: r.ID, ServiceID: r.ServiceID, Name: r.Name, RoutingKey: r.RoutingKey}
}
