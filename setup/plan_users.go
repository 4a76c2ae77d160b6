package setup

import (
	"errors"
	"slices"
	"strconv"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/oncall"
)

func (p *planner) user(f User) {
	if f.Email == "" {
		return // reported by Parse
	}
	u, known := p.users[f.Email]
	if !known {
		u = auth.User{ID: id.New(id.User), Email: f.Email, Role: auth.Responder, TimeZone: "UTC", Locale: "en", CreatedAt: p.now}
		if f.Rules == nil {
			f.Rules = defaultRules()
		}
	}
	var e edits
	putText(&e, "name", &u.Name, f.Name)
	putText(&e, "role", &u.Role, f.Role)
	putText(&e, "time zone", &u.TimeZone, f.TimeZone)
	putText(&e, "locale", &u.Locale, f.Locale)
	if f.Disabled != nil {
		put(&e, "disabled", &u.Disabled, *f.Disabled, strconv.FormatBool)
	}
	p.password(f, &u, &e)
	columns := len(e) > 0
	if f.Rules != nil {
		p.userRules(u.ID, f.Rules, &e)
	}
	p.users[f.Email], p.names[u.ID] = u, f.Email
	p.contacts(u.ID, f.Contacts, &e)
	switch {
	case !known:
		p.added(sectionUsers, f.Email, f.Email, u.Name+", "+string(u.Role))
		p.changes.Users = append(p.changes.Users, u)
	case p.settle(sectionUsers, f.Email, f.Email, e) && columns:
		p.changes.Users = append(p.changes.Users, u)
	}
}

// defaultRules push at once, whatever the urgency: an installed app that
// stays silent is the worse surprise.
func defaultRules() []oncall.Rule {
	return []oncall.Rule{{Urgency: "high", Method: oncall.Push}, {Urgency: "low", Method: oncall.Push}}
}

// password sets the hash the file asks for, unless it is there already.
func (p *planner) password(f User, u *auth.User, e *edits) {
	switch {
	case f.PasswordFile != "" && f.Password == "":
		p.problems.add(f.at, "the password file %q of user %s was not read", f.PasswordFile, f.Email)
	case f.PasswordHash != "" && f.PasswordHash != u.PasswordHash:
		// Verifying any password also checks that the hash can be read and asks
		// for no more memory than a login may have.
		if _, err := auth.VerifyPassword(f.PasswordHash, "-"); err != nil {
			p.problems.add(f.at, "the password_hash of user %s is no argon2id hash we can use ($argon2id$v=19$m=…,t=…,p=…$salt$hash); give the password instead", f.Email)
			return
		}
		u.PasswordHash = f.PasswordHash
		e.say("password changed")
	case f.Password != "":
		p.clearPassword(f, u, e)
	}
}

func (p *planner) clearPassword(f User, u *auth.User, e *edits) {
	// A stored hash that cannot be read is replaced like one that does not match.
	if same, err := auth.VerifyPassword(u.PasswordHash, f.Password); err == nil && same {
		return
	}
	hash, err := auth.HashPassword(f.Password)
	if err != nil {
		why := "it cannot be hashed now; try again"
		if no := (*fault.Error)(nil); errors.As(err, &no) {
			why = no.Message
		}
		p.problems.add(f.at, "the password of user %s: %s", f.Email, why)
		return
	}
	u.PasswordHash = hash
	e.say("password changed")
}

// userRules replaces a person's rules if they differ; equal ones keep their
// ids, because open notifications name them.
func (p *planner) userRules(userID string, want []oncall.Rule, e *edits) {
	have := p.rules[userID]
	next := make([]oncall.Rule, len(want))
	taken := map[string]bool{}
	for i, w := range want {
		for _, h := range have {
			if same := (oncall.Rule{ID: h.ID, Urgency: w.Urgency, Method: w.Method, Delay: w.Delay, DisplayedWithin: w.DisplayedWithin}); h == same && !taken[h.ID] {
				w.ID = h.ID
				break
			}
		}
		if w.ID == "" {
			w.ID = id.New(id.Rule)
		}
		taken[w.ID] = true
		next[i] = w
	}
	if slices.Equal(have, next) {
		return
	}
	p.changes.Rules[userID] = next
	e.say("notification rules changed (%d → %d)", len(have), len(next))
}
