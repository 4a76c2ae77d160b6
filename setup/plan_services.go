package setup

import (
	"crypto/rand"
	"fmt"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/respond"
)

func (p *planner) service(f Service) {
	key := NameKey(f.Name)
	if key == "" {
		return // reported by Parse
	}
	s, known := p.services[key]
	if !known {
		s = respond.Service{ID: id.New(id.Service), Urgency: respond.AlwaysHigh}
		if f.Policy.Name == "" {
			p.problems.add(f.at, "service '%s' is new and names no policy; add \"policy: …\"", f.Name)
		}
	}
	var e edits
	putText(&e, "name", &s.Name, f.Name)
	p.servicePolicy(f, &s, &e)
	putText(&e, "urgency", &s.Urgency, f.Urgency)
	if f.AckTimeout != nil {
		put(&e, "ack timeout", &s.AckTimeout, *f.AckTimeout, timeoutWord)
	}
	if f.AutoResolve != nil {
		put(&e, "auto resolve", &s.AutoResolve, *f.AutoResolve, timeoutWord)
	}
	p.services[key], p.names[s.ID] = s, s.Name
	if !known {
		p.added(sectionServices, key, s.Name, fmt.Sprintf("policy %s, urgency %s", p.name(s.PolicyID), s.Urgency))
	} else if !p.settle(sectionServices, key, s.Name, e) {
		return
	}
	p.changes.Services = append(p.changes.Services, s)
}

func (p *planner) servicePolicy(f Service, s *respond.Service, e *edits) {
	if f.Policy.Name == "" {
		return
	}
	pol, ok := p.policies[NameKey(f.Policy.Name)]
	if !ok {
		p.missing("service '"+f.Name+"'", "policy", f.Policy)
		return
	}
	put(e, "policy", &s.PolicyID, pol.ID, p.name)
}

func (p *planner) integration(f Integration) {
	name := NameKey(f.Name)
	if name == "" || f.Service.Name == "" {
		return // reported by Parse
	}
	s, ok := p.services[NameKey(f.Service.Name)]
	if !ok {
		p.missing("integration '"+f.Name+"'", "service", f.Service)
		return
	}
	key := s.ID + "\x00" + name
	i, known := p.integrations[key]
	if !known {
		i = respond.Integration{ID: id.New(id.Integration), ServiceID: s.ID}
	}
	var e edits
	putText(&e, "name", &i.Name, f.Name)
	p.routingKey(f, s, &i, &e)
	p.integrations[key] = i
	full := s.Name + " / " + i.Name
	sortKey := NameKey(s.Name) + "\x00" + name
	if !known {
		p.added(sectionIntegrations, sortKey, full, keyWords(f))
	} else if !p.settle(sectionIntegrations, sortKey, full, e) {
		return
	}
	p.changes.Integrations = append(p.changes.Integrations, i)
}

func keyWords(f Integration) string {
	if f.RoutingKey == "" {
		return "a routing key will be made"
	}
	return "routing key " + f.RoutingKey
}

// routingKey gives the integration the file's key, or its first one.
func (p *planner) routingKey(f Integration, s respond.Service, i *respond.Integration, e *edits) {
	if f.RoutingKey == "" {
		if i.RoutingKey == "" {
			i.RoutingKey = newRoutingKey()
			p.keys = append(p.keys, NewKey{Service: s.Name, Integration: i.Name, RoutingKey: i.RoutingKey})
		}
		return
	}
	if owner, taken := p.byRoutingKey[f.RoutingKey]; taken && owner.ID != i.ID {
		p.problems.add(f.at, "routing key %s of integration '%s' belongs to integration '%s' of service '%s'; every integration needs its own",
			f.RoutingKey, f.Name, owner.Name, p.name(owner.ServiceID))
		return
	}
	putText(e, "routing key", &i.RoutingKey, f.RoutingKey)
}

// newRoutingKey makes 32 random characters, as PagerDuty's keys look: 32 of a
// set of 36 are 165 bits.
func newRoutingKey() string {
	const set = "abcdefghijklmnopqrstuvwxyz0123456789"
	var key [32]byte
	for i := range key {
		key[i] = set[uniform(len(set))]
	}
	return string(key[:])
}

// uniform gives a random number below n (at most 256) without the bias of a
// plain remainder.
func uniform(n int) int {
	limit := byte(256 - 256%n)
	for {
		var b [1]byte
		// crypto/rand.Read never fails since Go 1.24.
		_, _ = rand.Read(b[:])
		if limit == 0 || b[0] < limit {
			return int(b[0]) % n
		}
	}
}
