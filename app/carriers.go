package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/mail"
	"github.com/nightbell/nightbell/push/phone"
	"github.com/nightbell/nightbell/push/webhook"
	"github.com/nightbell/nightbell/push/wire"
)

// carriers are the ways to addresses, for the API and for the pipeline.
type carriers struct {
	mail  *mail.Sender // nil: not configured
	hooks *webhook.Sender
	// sms and voice are nil without a telephone account.
	sms, voice *phone.Sender
	account    *phone.Account
	guard      wire.Guard
	vault      auth.Vault
	words      *push.Words
	// here bounds a challenge or a code, for which somebody waits.
	here time.Duration
}

// codeLimit is how long sending a code may take; a request has 30 seconds.
const codeLimit = 20 * time.Second

// carriers makes what reaches addresses. It connects to nobody.
func (a *App) carriers(secret []byte, words *push.Words) (*carriers, error) {
	c := &carriers{
		guard: wire.Guard{Allow: networks(a.cfg.Webhook.AllowNetworks)},
		vault: auth.NewVault(secret, "webhook secrets"), here: codeLimit, words: words,
	}
	roots, err := a.cfg.rootCAs()
	if err != nil {
		return nil, err
	}
	c.hooks = webhook.New(webhook.Config{Guard: c.guard, Open: c.open, Roots: roots, Now: a.opt.Now})
	a.opened.add("connections to webhooks", func(context.Context) error { c.hooks.Close(); return nil })
	if err := a.telephone(c); err != nil {
		return nil, err
	}
	if a.cfg.SMTP.Host == "" {
		return c, nil
	}
	if c.mail, err = a.cfg.mailer(); err != nil {
		return nil, err
	}
	a.opened.add("connections to the mail server", func(context.Context) error { c.mail.Close(); return nil })
	return c, nil
}

// reach makes the ways to addresses, and the key of the codes that prove them.
func (a *App) reach(h *house, secret []byte) (err error) {
	if h.carriers, err = a.carriers(secret, h.words); err != nil {
		return err
	}
	h.codeKey, err = codeKey(secret)
	return err
}

// mailer makes the sender of e-mails.
func (c Config) mailer() (*mail.Sender, error) {
	roots, err := c.rootCAs()
	if err != nil {
		return nil, err
	}
	s, err := mail.New(mail.Config{
		Host: c.SMTP.Host, Port: c.SMTP.Port, TLS: c.SMTP.TLS, Roots: roots, Username: c.SMTP.Username, Password: c.SMTP.Password,
		From: c.SMTP.From, Connections: c.SMTP.Connections,
	})
	if err != nil {
		return nil, fmt.Errorf("smtp: %w", err)
	}
	return s, nil
}

// into adds them to the pipeline's senders.
func (c *carriers) into(senders map[push.Provider]push.Sender) {
	senders[push.Webhook] = c.hooks
	if c.mail != nil {
		senders[push.Email] = c.mail
	}
	if c.sms != nil {
		senders[push.SMS], senders[push.Voice] = c.sms, c.voice
	}
}

// open opens a webhook's sealed secret.
func (c *carriers) open(sealed, deviceID string) (string, error) {
	b, err := decodeSealed(sealed)
	if err != nil {
		return "", err
	}
	plain, err := c.vault.Open(b, deviceID)
	return string(plain), err
}

// Address implements api.Carriers.
func (c *carriers) Address(method push.Provider, address string) (string, error) {
	switch {
	case method == push.Webhook:
		return webhook.Address(address, c.guard)
	case method == push.Email && c.mail != nil:
		return mail.Address(address)
	case method == push.Email:
		return "", notConfigured(method, "an e-mail server", "smtp.host")
	case c.sms != nil:
		return phone.Number(address)
	default:
		return "", notConfigured(method, "a telephone account", "twilio.account_sid")
	}
}

func notConfigured(method push.Provider, what, setting string) error {
	return fault.Field("method", "method_not_configured", "this server has no %s to reach people by %s; its operator must set %s", what, method, setting)
}

// SendCode implements api.Carriers.
func (c *carriers) SendCode(ctx context.Context, d push.Device, code, locale string) error {
	ctx, cancel := context.WithTimeout(ctx, c.here)
	defer cancel()
	speaks := c.words.In(locale)
	var r push.Result
	switch {
	case d.Provider == push.Email && c.mail != nil:
		r = c.mail.SendCode(ctx, d.Token, "Nightbell: "+code, speaks.Say("code", "code", code)+"\n")
	case d.Provider == push.SMS && c.sms != nil:
		r = c.sms.SendCode(ctx, d.Token, speaks.Say("code.spoken"), code, "")
	case d.Provider == push.Voice && c.voice != nil:
		r = c.voice.SendCode(ctx, d.Token, speaks.Say("code.spoken"), code, speaks.Say("call.voice"))
	default:
		return errors.New("this server has no account to send it with")
	}
	if r.Class != push.ClassAccepted {
		return errors.New(r.Reason)
	}
	return nil
}

// NewSecret implements api.Carriers.
func (c *carriers) NewSecret(deviceID string) (shown, sealed string, err error) {
	shown = webhook.NewSecret()
	return shown, encodeSealed(c.vault.Seal([]byte(shown), deviceID)), nil
}

// Challenge implements api.Carriers.
func (c *carriers) Challenge(ctx context.Context, d push.Device) error {
	ctx, cancel := context.WithTimeout(ctx, c.here)
	defer cancel()
	secret, err := c.open(d.Keys.Secret, d.ID)
	if err != nil {
		return err
	}
	return c.hooks.Challenge(ctx, d.Token, d.ID, secret)
}
