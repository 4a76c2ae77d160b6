package setup

import (
	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/respond"
)

// Bounds of the smaller lists.
const (
	maxRules   = 20
	maxLevels  = oncall.MaxLevels
	maxTargets = oncall.MaxTargets
	maxLoops   = oncall.MaxLoops
)

// file reads the whole document.
func (v value) file() File {
	f := v.fields("users", "schedules", "policies", "services", "integrations")
	return File{
		Users:        each(f.get("users"), maxList, value.user),
		Schedules:    each(f.get("schedules"), maxList, value.schedule),
		Policies:     each(f.get("policies"), maxList, value.policy),
		Services:     each(f.get("services"), maxList, value.service),
		Integrations: each(f.get("integrations"), maxList, value.integration),
	}
}

// each reads every item of a list. An absent list is nil, an empty one is not.
func each[T any](v value, limit int, read func(value) T) []T {
	if !v.given() {
		return nil
	}
	out := []T{}
	for _, item := range v.items(limit) {
		out = append(out, read(item))
	}
	return out
}

func (v value) user() User {
	f := v.fields("name", "email", "role", "time_zone", "locale", "password", "password_file", "password_hash", "disabled", "rules", "contact_methods")
	u := User{
		Name:         f.need("name").name(),
		Email:        f.need("email").email(),
		Role:         word(f.get("role"), auth.Owner, auth.Admin, auth.Manager, auth.Responder, auth.Stakeholder),
		TimeZone:     f.get("time_zone").zone(),
		Locale:       f.get("locale").locale(),
		Password:     f.get("password").text(),
		PasswordFile: f.get("password_file").text(),
		PasswordHash: f.get("password_hash").text(),
		Disabled:     f.get("disabled").flag(),
		Rules:        each(f.get("rules"), maxRules, value.rule),
		Contacts:     each(f.get("contact_methods"), maxContacts, value.contact),
		at:           v.at,
	}
	if several(u.Password, u.PasswordFile, u.PasswordHash) {
		v.wrong("password, password_file and password_hash say the same thing three ways; keep one")
	}
	return u
}

func several(texts ...string) bool {
	n := 0
	for _, t := range texts {
		if t != "" {
			n++
		}
	}
	return n > 1
}

func (v value) rule() oncall.Rule {
	f := v.fields("urgency", "method", "delay", "displayed_within")
	r := oncall.Rule{
		Urgency: word(f.need("urgency"), "high", "low"),
		Method:  word(f.need("method"), oncall.Methods()...),
		Delay:   f.get("delay").span(0, oncall.MaxDelay),
	}
	if within := f.get("displayed_within"); within.given() {
		r.DisplayedWithin = within.span(oncall.MinDisplayed, oncall.MaxDelay)
	}
	return r
}

func (v value) policy() Policy {
	f := v.fields("name", "loops", "levels")
	p := Policy{Name: f.need("name").name(), at: v.at}
	if loops := f.get("loops"); loops.given() {
		n := loops.number(0, maxLoops)
		p.Loops = &n
	}
	levels := f.get("levels")
	p.Levels = each(levels, maxLevels, value.level)
	if levels.given() && len(p.Levels) == 0 {
		levels.wrong("a policy needs at least one level")
	}
	return p
}

func (v value) level() Level {
	f := v.fields("delay", "targets")
	l := Level{Delay: defaultDelay, at: v.at}
	if d := f.get("delay"); d.given() {
		l.Delay = d.span(oncall.MinDelay, oncall.MaxDelay)
	}
	targets := f.need("targets")
	l.Targets = each(targets, maxTargets, value.target)
	if targets.given() && len(l.Targets) == 0 {
		targets.wrong("a level needs at least one target: {user: e-mail} or {schedule: name}")
	}
	return l
}

func (v value) target() Target {
	f := v.fields("user", "schedule")
	user, schedule := f.get("user"), f.get("schedule")
	switch {
	case user.given() && schedule.given():
		v.wrong("a target is a user or a schedule, not both; write two targets")
	case user.given():
		return Target{oncall.UserTarget, user.person()}
	case schedule.given():
		return Target{oncall.ScheduleTarget, schedule.ref()}
	case f.of.given() && len(f.vals) == 0:
		v.wrong("a target is {user: e-mail} or {schedule: name}")
	}
	return Target{}
}

func (v value) service() Service {
	f := v.fields("name", "policy", "urgency", "ack_timeout", "auto_resolve")
	return Service{
		Name:        f.need("name").name(),
		Policy:      f.get("policy").ref(),
		Urgency:     word(f.get("urgency"), respond.AlwaysHigh, respond.AlwaysLow, respond.BySeverity),
		AckTimeout:  f.get("ack_timeout").timeout(),
		AutoResolve: f.get("auto_resolve").timeout(),
		at:          v.at,
	}
}

func (v value) integration() Integration {
	f := v.fields("name", "service", "routing_key")
	return Integration{
		Name:       f.need("name").name(),
		Service:    f.need("service").ref(),
		RoutingKey: f.get("routing_key").routingKey(),
		at:         v.at,
	}
}
