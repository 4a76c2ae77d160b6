package setup

import (
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/mail"
	"github.com/nightbell/nightbell/push/phone"
)

// maxContacts is how many addresses a person may have, here and in the API.
const maxContacts = 10

// Contact is an address of a person. Webhooks are not among them: their secret
// is made with them, and shown once, by the API.
type Contact struct {
	Method  push.Provider
	Address string
	Name    string

	at place
}

func (v value) contact() Contact {
	f := v.fields("method", "address", "name")
	c := Contact{Method: word(f.need("method"), push.Email, push.SMS, push.Voice), Name: f.get("name").text(), at: v.at}
	at := f.need("address")
	given := at.text()
	if given == "" || c.Method == "" {
		return c // its absence has been reported
	}
	check := phone.Number
	if c.Method == push.Email {
		check = mail.Address
	}
	var err error
	if c.Address, err = check(given); err != nil {
		at.wrong("%s", reason(err))
	}
	return c
}

// contacts adds a person's addresses. Whoever writes a setup file vouches for
// them, so they need no code. None is ever removed.
func (p *planner) contacts(userID string, want []Contact, e *edits) {
	for _, w := range want {
		if w.Address == "" {
			continue // reported by Parse
		}
		d, known := p.contact(userID, w)
		switch {
		case known && !d.VerifiedAt.IsZero() && (w.Name == "" || w.Name == d.Name):
			continue
		case !known && len(p.addresses[userID]) >= maxContacts:
			p.problems.add(w.at, "%s would have more than %d contact methods; remove one that is no longer used in the app first", p.name(userID), maxContacts)
			continue
		case !known:
			d = push.Device{
				ID: id.New(id.Device), UserID: userID, Platform: push.Platform(w.Method), Provider: w.Method, App: push.AddressApp(w.Method),
				TargetKind: push.AddressTarget, Token: w.Address, RegisteredAt: p.now, State: push.DeviceActive, StateAt: p.now, CreatedAt: p.now,
			}
			e.say("%s %s added", w.Method, w.Address)
		default:
			e.say("%s %s changed", w.Method, w.Address)
		}
		if d.VerifiedAt.IsZero() {
			d.VerifiedAt = p.now
		}
		if w.Name != "" {
			d.Name = w.Name
		}
		if !known {
			p.addresses[userID] = append(p.addresses[userID], d)
		}
		p.changes.Contacts = append(p.changes.Contacts, d)
	}
}

// contact finds an address that the person has.
func (p *planner) contact(userID string, w Contact) (push.Device, bool) {
	for _, d := range p.addresses[userID] {
		if d.Provider == w.Method && d.Token == w.Address {
			return d, true
		}
	}
	return push.Device{}, false
}
