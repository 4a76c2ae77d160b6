package app

import (
	"context"
	"time"
)

// carrierLimit bounds one look at a carrier.
const carrierLimit = 15 * time.Second

// checkContacts tries the mail server out: whether it is there, is who it says
// it is, and takes the password. No mail is sent.
func (f *findings) checkContacts(ctx context.Context, cfg Config) {
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
