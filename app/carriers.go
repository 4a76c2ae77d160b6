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
	"github.com/nightbell/nightbell/push/webhook"
	"github.com/nightbell/nightbell/push/wire"
)

// What carries each method, as devices name it.
const (
	throughSMTP    = "smtp"
	throughWebhook = "webhook"
)

// carriers are the ways to addresses, for the API and for the pipeline.
type carriers struct {
	mail  *mail.Sender // nil: not configured
	hooks *webhook.Sender
	guard wire.Guard
	vault auth.Vault
	// here bounds a challenge or a code, for which somebody waits.
	here time.Duration
}

// codeLimit is how long sending a code may take; a request has 30 seconds.
const codeLimit = 20 * time.Second

// carriers makes what reaches addresses. It connects to nobody.
func (a *App) carriers(secret []byte) (*carriers, error) {
	c := &carriers{
		guard: wire.Guard{Allow: networks(a.cfg.Webhook.AllowNetworks)},
		vault: auth.NewVault(secret, "webhook secrets"), here: codeLimit,
	}
	roots, err := a.cfg.rootCAs()
	if err != nil {
		return nil, err
	}
	c.hooks = webhook.New(webhook.Config{Guard: c.guard, Open: c.open, Roots: roots, Now: a.opt.Now})
	a.opened.add("connections to webhooks", func(context.Context) error { c.hooks.Close(); return nil })
	if a.cfg.SMTP.Host == "" {
		return c, nil
	}
	if c.mail, err = a.cfg.mailer(); err != nil {
		return nil, err
	}
	a.opened.add("connections to the mail server", func(context.Context) error { c.mail.Close(); return nil })
	return c, nil
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
	default:
		return "", notConfigured(method, "a telephone account", "twilio.account_sid")
	}
}

func notConfigured(method push.Provider, what, setting string) error {
	return fault.Field("method", "method_not_configured", "this server has no %s to reach people by %s; its operator must set %s", what, method, setting)
}

// Through implements api.Carriers.
func (c *carriers) Through(method push.Provider) string {
	if method == push.Webhook {
		return throughWebhook
	}
	return throughSMTP
}

// SendCode implements api.Carriers.
func (c *carriers) SendCode(ctx context.Context, d push.Device, code, _ string) error {
	ctx, cancel := context.WithTimeout(ctx, c.here)
	defer cancel()
	if d.Provider != push.Email || c.mail == nil {
		return errors.New("this server has no account to send it with")
	}
	r := c.mail.SendCode(ctx, d.Token, "Nightbell: "+code, codeText(code))
	if r.Class != push.ClassAccepted {
		return errors.New(r.Reason)
	}
	return nil
}

func codeText(code string) string {
	return "Your Nightbell code is " + code + ". It lasts ten minutes. If you did not ask for it, do nothing: without it this address is not used.\n"
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
