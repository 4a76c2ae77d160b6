package api

import (
	"context"
	"sync"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
)

// formerFor is how long a webhook's former secret signs beside the new one.
const formerFor = 24 * time.Hour

// ListContactMethods gives the caller's addresses.
func (s *server) ListContactMethods(ctx context.Context, _ ListContactMethodsRequestObject) (ListContactMethodsResponseObject, error) {
	found, err := s.Contacts.Contacts(ctx, caller(ctx).UserID)
	if err != nil {
		return nil, err
	}
	answer := ListContactMethods200JSONResponse{Items: make([]ContactMethod, len(found))}
	for i, d := range found {
		answer.Items[i] = contactMethod(d)
	}
	return answer, nil
}

// CreateContactMethod adds an address, and begins to prove it.
func (s *server) CreateContactMethod(ctx context.Context, r CreateContactMethodRequestObject) (CreateContactMethodResponseObject, error) {
	address, err := s.Carriers.Address(r.Body.Method, r.Body.Address)
	if err != nil {
		return nil, err
	}
	now := s.now()
	d := push.Device{
		ID: id.New(id.Device), UserID: caller(ctx).UserID, Name: value(r.Body.Name), Platform: push.Platform(r.Body.Method), Provider: r.Body.Method,
		App: push.AddressApp(r.Body.Method), TargetKind: push.AddressTarget, Token: address,
		RegisteredAt: now, State: push.DeviceActive, StateAt: now, CreatedAt: now,
	}
	answer := contactMethod(d)
	if d.Provider == push.Webhook {
		var shown string
		if shown, d.Keys.Secret, err = s.Carriers.NewSecret(d.ID); err != nil {
			return nil, err
		}
		answer.Secret = &shown
	}
	if err := s.Contacts.AddContact(ctx, d); err != nil {
		return nil, err
	}
	if d.Provider != push.Webhook {
		if err := s.sendCode(ctx, d); err != nil {
			return nil, s.takeBack(ctx, d, err)
		}
	}
	return CreateContactMethod201JSONResponse(answer), nil
}

// takeBack removes an address whose code could not be sent, so that it can be
// added again.
func (s *server) takeBack(ctx context.Context, d push.Device, why error) error {
	if err := s.Contacts.RemoveContact(ctx, d.UserID, d.ID); err != nil {
		s.Log.ErrorContext(ctx, "an address without a code could not be removed again", "contact_method", d.ID, "error", err)
	}
	return why
}

// RemoveContactMethod ends the use of an address.
func (s *server) RemoveContactMethod(ctx context.Context, r RemoveContactMethodRequestObject) (RemoveContactMethodResponseObject, error) {
	if err := id.Check(id.Device, r.ContactMethodId); err != nil {
		return nil, err
	}
	if err := s.Contacts.RemoveContact(ctx, caller(ctx).UserID, r.ContactMethodId); err != nil {
		return nil, err
	}
	return RemoveContactMethod204Response{}, nil
}

// VerifyContactMethod takes the proof of an address.
func (s *server) VerifyContactMethod(ctx context.Context, r VerifyContactMethodRequestObject) (VerifyContactMethodResponseObject, error) {
	d, err := s.contact(ctx, r.ContactMethodId)
	if err != nil {
		return nil, err
	}
	switch {
	case !d.VerifiedAt.IsZero():
	case d.Provider == push.Webhook:
		d, err = s.challenge(ctx, d, value(r.Body.Code))
	default:
		d, err = s.tryCode(ctx, d, value(r.Body.Code))
	}
	if err != nil {
		return nil, err
	}
	return VerifyContactMethod200JSONResponse(contactMethod(d)), nil
}

// challenge asks a webhook's receiver whether it wants to be one.
func (s *server) challenge(ctx context.Context, d push.Device, code string) (push.Device, error) {
	if code != "" {
		return d, fault.Field("code", "bad_code", "a webhook has no code; leave it out, and its receiver is asked to answer a challenge")
	}
	done, err := s.asking.begin(d.UserID)
	if err != nil {
		return d, err
	}
	defer done()
	if err := s.Carriers.Challenge(ctx, d); err != nil {
		return d, err
	}
	return s.Contacts.ChangeContact(ctx, d.UserID, d.ID, func(d *push.Device) error {
		d.VerifiedAt = s.now()
		return nil
	})
}

// asking are the people for whom a webhook is being asked, one at a time: each
// question may take twenty seconds of somebody else's server, and thousands at
// once would make of ours a means to flood it.
type asking struct {
	mu   sync.Mutex
	busy map[string]bool // by user
}

// begin lets one question of a person go out; done ends it.
func (a *asking) begin(userID string) (done func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.busy[userID] {
		return nil, fault.New(fault.TooMany, "too_many_attempts", "a webhook of yours is being asked at this moment; wait for its answer, then verify again")
	}
	if a.busy == nil {
		a.busy = map[string]bool{}
	}
	a.busy[userID] = true
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.busy, userID)
	}, nil
}

// ResendContactMethodCode sends a new code.
func (s *server) ResendContactMethodCode(ctx context.Context, r ResendContactMethodCodeRequestObject) (ResendContactMethodCodeResponseObject, error) {
	d, err := s.contact(ctx, r.ContactMethodId)
	if err != nil {
		return nil, err
	}
	if d.Provider == push.Webhook {
		return nil, fault.New(fault.Conflict, "no_code_needed", "a webhook has no code; verify it, and its receiver is asked to answer a challenge")
	}
	if !d.VerifiedAt.IsZero() {
		return nil, fault.New(fault.Conflict, "no_code_needed", "this address is verified already")
	}
	if err := s.sendCode(ctx, d); err != nil {
		return nil, err
	}
	return ResendContactMethodCode204Response{}, nil
}

// RotateContactMethodSecret gives a webhook a new secret beside the present one.
func (s *server) RotateContactMethodSecret(ctx context.Context, r RotateContactMethodSecretRequestObject) (RotateContactMethodSecretResponseObject, error) {
	d, err := s.contact(ctx, r.ContactMethodId)
	if err != nil {
		return nil, err
	}
	if d.Provider != push.Webhook {
		return nil, fault.New(fault.Conflict, "no_secret", "only webhooks have a secret")
	}
	shown, sealed, err := s.Carriers.NewSecret(d.ID)
	if err != nil {
		return nil, err
	}
	d, err = s.Contacts.ChangeContact(ctx, d.UserID, d.ID, func(d *push.Device) error {
		d.Keys = push.Keys{Secret: sealed, Former: d.Keys.Secret, FormerUntil: s.now().Add(formerFor)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer := contactMethod(d)
	answer.Secret = &shown
	return RotateContactMethodSecret200JSONResponse(answer), nil
}

// contact finds one of the caller's addresses.
func (s *server) contact(ctx context.Context, contactID string) (push.Device, error) {
	if err := id.Check(id.Device, contactID); err != nil {
		return push.Device{}, err
	}
	return s.Contacts.Contact(ctx, caller(ctx).UserID, contactID)
}

func contactMethod(d push.Device) ContactMethod {
	return ContactMethod{
		Id: d.ID, Method: d.Provider, Address: d.Token, Name: d.Name, Verified: !d.VerifiedAt.IsZero(), VerifiedAt: present(d.VerifiedAt),
		State: d.State, StateReason: present(d.StateReason), CreatedAt: d.CreatedAt,
	}
}
