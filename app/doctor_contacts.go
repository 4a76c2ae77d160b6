package app

import (
	"context"
	"time"

	"github.com/nightbell/nightbell/push/phone"
)

// carrierLimit bounds one look at a carrier.
const carrierLimit = 15 * time.Second

// checkContacts tries out what carries e-mails, texts and calls. Nothing is sent.
func (f *findings) checkContacts(ctx context.Context, cfg Config) {
	f.checkMail(ctx, cfg)
	f.checkTelephone(ctx, cfg)
}

// checkTelephone asks Twilio for the account.
func (f *findings) checkTelephone(ctx context.Context, cfg Config) {
	if cfg.Twilio.AccountSID == "" {
		return // the telephone is not used
	}
	account, err := cfg.account(cfg.BaseURL())
	var carrier *phone.Twilio
	if err == nil {
		carrier, err = phone.NewTwilio(account)
	}
	if err != nil {
		f.broken("twilio", err.Error(), "")
		return
	}
	defer carrier.Close()
	ctx, cancel := context.WithTimeout(ctx, carrierLimit)
	defer cancel()
	if err := carrier.Check(ctx); err != nil {
		f.broken("twilio", "the account cannot be used: "+err.Error(), "compare twilio.account_sid and twilio.auth_token with the Twilio console, and look there whether the account is active")
		return
	}
	f.fine("twilio", "the account is active; calls and texts come from %s", cfg.Twilio.From)
}

// checkMail tries the mail server out: whether it is there, is who it says it
// is, and takes the password.
func (f *findings) checkMail(ctx context.Context, cfg Config) {
	if cfg.SMTP.Host == "" {
		return // e-mail is not used
	}
	s, err := cfg.mailer()
	if err != nil {
		f.broken("smtp", err.Error(), "")
		return
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(ctx, carrierLimit)
	defer cancel()
	if err := s.Check(ctx); err != nil {
		f.broken("smtp", "the mail server does not let us in: "+err.Error(),
			"compare smtp.host, smtp.port, smtp.tls, smtp.username and the password with what your mail provider says; ports are usually 587 (mandatory) and 465 (implicit)")
		return
	}
	f.fine("smtp", "%s takes our sign-in", cfg.SMTP.Host)
}
