package setup

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// Plan compares a file with what is there and gives what must change. Ids of
// what exists are kept; new ones are minted here, and new people are created
// at now. References that lead nowhere, and routing keys that belong to
// somebody else, are reported together as [*Problems].
//
// A clear-text password is a change only if it does not open the stored hash,
// which costs one argon2id verification (some 25 ms) for each such user.
func Plan(f File, current State, now time.Time) (Diff, error) {
	p := newPlanner(current, now)
	for _, u := range f.Users {
		p.user(u)
	}
	for _, s := range f.Schedules {
		p.schedule(s)
	}
	for _, e := range f.Policies {
		p.policy(e)
	}
	for _, s := range f.Services {
		p.service(s)
	}
	for _, i := range f.Integrations {
		p.integration(i)
	}
	if err := p.problems.err(); err != nil {
		return Diff{}, err
	}
	p.validate()
	if err := p.problems.err(); err != nil {
		return Diff{}, err
	}
	return p.diff(), nil
}

// validate asks oncall about what it will have to work with: a file made in
// code has not been through Parse.
func (p *planner) validate() {
	for _, s := range p.changes.Schedules {
		if err := s.Validate(); err != nil {
			p.problems.add(place{}, "schedule '%s': %s", s.Name, reason(err))
		}
	}
	for _, pol := range p.changes.Policies {
		if err := pol.Validate(); err != nil {
			p.problems.add(place{}, "policy '%s': %s", pol.Name, reason(err))
		}
	}
	for userID, rules := range p.changes.Rules {
		for _, r := range rules {
			if err := r.Validate(); err != nil {
				p.problems.add(place{}, "user %s: %s", p.name(userID), reason(err))
			}
		}
	}
}

// planner knows everything by its name as it will be after the import.
type planner struct {
	now      time.Time
	problems Problems

	users        map[string]auth.User // by e-mail
	rules        map[string][]oncall.Rule
	schedules    map[string]oncall.Schedule // by NameKey, like the rest
	policies     map[string]oncall.Policy
	services     map[string]respond.Service
	integrations map[string]respond.Integration // by service id and NameKey
	byRoutingKey map[string]respond.Integration
	addresses    map[string][]push.Device // by user id
	names        map[string]string        // of users (e-mail), schedules, policies, services: by id

	changes   Changes
	lines     []line
	unchanged int
	keys      []NewKey
}

func newPlanner(s State, now time.Time) *planner {
	p := &planner{
		now: now.UTC().Truncate(time.Microsecond), rules: maps.Clone(s.Rules), names: map[string]string{}, addresses: map[string][]push.Device{},
		users:        index(s.Users, func(u auth.User) string { return u.Email }),
		schedules:    index(s.Schedules, func(s oncall.Schedule) string { return NameKey(s.Name) }),
		policies:     index(s.Policies, func(p oncall.Policy) string { return NameKey(p.Name) }),
		services:     index(s.Services, func(s respond.Service) string { return NameKey(s.Name) }),
		integrations: index(s.Integrations, func(i respond.Integration) string { return i.ServiceID + "\x00" + NameKey(i.Name) }),
		byRoutingKey: index(s.Integrations, func(i respond.Integration) string { return i.RoutingKey }),
		changes:      Changes{Version: s.Version, Rules: map[string][]oncall.Rule{}},
	}
	for _, d := range s.Contacts {
		p.addresses[d.UserID] = append(p.addresses[d.UserID], d)
	}
	for _, u := range s.Users {
		p.names[u.ID] = u.Email
	}
	for _, sc := range s.Schedules {
		p.names[sc.ID] = sc.Name
	}
	for _, po := range s.Policies {
		p.names[po.ID] = po.Name
	}
	for _, sv := range s.Services {
		p.names[sv.ID] = sv.Name
	}
	return p
}

func index[T any](all []T, key func(T) string) map[string]T {
	m := make(map[string]T, len(all))
	for _, one := range all {
		m[key(one)] = one
	}
	return m
}

// person finds a user's id by e-mail; says so and gives "" if there is none.
func (p *planner) person(owner string, r Ref) string {
	if u, ok := p.users[strings.ToLower(r.Name)]; ok {
		return u.ID
	}
	p.missing(owner, "user", r)
	return ""
}

func (p *planner) missing(owner, what string, r Ref) {
	if r.Name != "" { // an unreadable name has been reported by Parse
		p.problems.add(r.at, "%s names %s '%s', which is not in this file or the database", owner, what, r.Name)
	}
}

// name gives the name behind an id, or the id.
func (p *planner) name(id string) string { return cmp.Or(p.names[id], id) }

// diff puts everything in order.
func (p *planner) diff() Diff {
	slices.SortStableFunc(p.lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.section, b.section), strings.Compare(a.key, b.key))
	})
	d := Diff{Changes: p.changes, Unchanged: p.unchanged, Keys: p.keys}
	for _, l := range p.lines {
		d.Lines = append(d.Lines, l.text)
		if l.added {
			d.Added++
		} else {
			d.Changed++
		}
	}
	slices.SortFunc(d.Keys, func(a, b NewKey) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), strings.Compare(a.Integration, b.Integration))
	})
	if d.Changes.Empty() {
		d.Changes.Rules = nil
	}
	return d
}
