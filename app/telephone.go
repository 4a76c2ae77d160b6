package app

import (
	"context"
	"fmt"

	"github.com/nightbell/nightbell/api"
	"github.com/nightbell/nightbell/push/phone"
)

// account is the telephone account; its callbacks come to base.
func (c Config) account(base string) (phone.Account, error) {
	roots, err := c.rootCAs()
	if err != nil {
		return phone.Account{}, err
	}
	t := c.Twilio
	return phone.Account{SID: t.AccountSID, AuthToken: t.AuthToken, From: t.From, Base: base, Endpoint: t.Endpoint, Roots: roots}, nil
}

// telephone opens the carrier of texts and calls, if there is one.
func (a *App) telephone(c *carriers) error {
	if a.cfg.Twilio.AccountSID == "" {
		return nil
	}
	account, err := a.cfg.account(a.URL())
	if err != nil {
		return err
	}
	account.Now = a.opt.Now
	carrier, err := phone.NewTwilio(account)
	if err != nil {
		return fmt.Errorf("twilio: %w", err)
	}
	a.opened.add("connections to Twilio", func(context.Context) error { carrier.Close(); return nil })
	c.account = &account
	c.sms, c.voice = phone.NewSMS(carrier, account.Base), phone.NewVoice(carrier, account.Base)
	return nil
}

// callbacks is what the API needs to hear the carrier; nil without one.
func (h *house) callbacks() *api.Telephone {
	if h.carriers.account == nil {
		return nil
	}
	return &api.Telephone{Account: *h.carriers.account, Pages: h.db.Contacts()}
}
