package respond

import (
	"cmp"
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
)

// ServiceOnCall says who would be paged for a service, level by level.
type ServiceOnCall struct {
	Service Service
	Policy  oncall.Policy
	Levels  []LevelOnCall
}

// LevelOnCall is one level and the people behind it at a moment.
type LevelOnCall struct {
	Level  int
	Delay  time.Duration
	People []Person // none: the level would be skipped
}

// OnCall answers who would be paged at a moment for each service, sorted by
// service name, by the rules that paging itself uses.
func (d *Desk) OnCall(at time.Time) []ServiceOnCall {
	cat := d.store.Catalog()
	out := make([]ServiceOnCall, 0, len(cat.Services))
	for _, svc := range cat.Services {
		p := cat.Policies[svc.PolicyID]
		out = append(out, ServiceOnCall{Service: svc, Policy: p, Levels: levels(cat, oncall.Freeze(p), at)})
	}
	slices.SortFunc(out, func(a, b ServiceOnCall) int {
		return cmp.Or(cmp.Compare(a.Service.Name, b.Service.Name), cmp.Compare(a.Service.ID, b.Service.ID))
	})
	return out
}

func levels(cat *Catalog, plan oncall.Plan, at time.Time) []LevelOnCall {
	out := make([]LevelOnCall, len(plan.Levels))
	for i, l := range plan.Levels {
		out[i] = LevelOnCall{Level: i + 1, Delay: l.Delay}
		for _, u := range plan.Who(i+1, 1, at, cat) {
			out[i].People = append(out[i].People, cat.People[u])
		}
	}
	return out
}

// Forecast says who would be paged if an incident of this urgency opened on the
// service at a moment and nobody answered: in what order, by which ways, on
// which devices. It is walked by what pages, so it cannot say otherwise.
func (d *Desk) Forecast(serviceID string, urgency incident.Urgency, at time.Time) (oncall.Outlook, error) {
	cat := d.store.Catalog()
	svc, ok := cat.Services[serviceID]
	if !ok {
		return oncall.Outlook{}, fault.New(fault.NotFound, "not_found", "There is no service %q.", serviceID)
	}
	return oncall.Forecast(oncall.Freeze(cat.Policies[svc.PolicyID]), string(urgency), at, cat), nil
}
