package app

import (
	"net"
	"net/netip"

	"github.com/nightbell/nightbell/push/mail"
	"github.com/nightbell/nightbell/push/phone"
)

// contacts checks what can be known of e-mail and webhooks without asking.
func (p *Problems) contacts(c Config) {
	p.smtp(c.SMTP)
	p.twilio(c)
	for _, network := range c.Webhook.AllowNetworks {
		if _, err := readNetwork(network); err != nil {
			p.say("webhook.allow_networks: %q is neither an address such as 10.0.0.7 nor a network such as 10.0.0.0/8", network)
		}
	}
}

func (p *Problems) smtp(c SMTPConfig) {
	p.oneOf("smtp.tls", c.TLS, mail.TLSMandatory, mail.TLSImplicit, mail.TLSOpportunistic, mail.TLSNone)
	p.within("smtp.connections", c.Connections, 1, 50)
	p.within("smtp.port", c.Port, 0, 65535)
	if c.Host == "" {
		return
	}
	p.required("smtp.from", c.From, "the sender of all e-mails, such as Nightbell <nightbell@example.com>")
	if (c.Username == "") != (c.Password == "" && c.PasswordFile == "") {
		p.say("smtp: username and password (or password_file) go together; give both or neither")
	}
	if c.Username != "" && c.TLS == mail.TLSNone && !loopback(c.Host) {
		p.say("smtp.tls: none would send the password in the clear; use mandatory or implicit, or leave the password out")
	}
	if c.From != "" {
		if _, err := mail.New(mail.Config{Host: c.Host, From: c.From}); err != nil {
			p.say("smtp: %v", err)
		}
	}
}

func (p *Problems) twilio(c Config) {
	p.address("twilio.endpoint", c.Twilio.Endpoint)
	if c.Twilio.AccountSID == "" {
		return
	}
	t := c.Twilio
	if t.AuthToken == "" && t.AuthTokenFile != "" {
		return // its file could not be read, and that has been said
	}
	if _, err := phone.NewTwilio(phone.Account{SID: t.AccountSID, AuthToken: t.AuthToken, From: t.From}); err != nil {
		p.say("twilio: %v", err)
	}
	if c.PublicURL == "" {
		p.say("public_url: Twilio fetches what a call says from it and signs for it; set it to the https:// address of this instance")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// networks reads what has been validated before.
func networks(texts []string) (out []netip.Prefix) {
	for _, text := range texts {
		if n, err := readNetwork(text); err == nil {
			out = append(out, n)
		}
	}
	return out
}
