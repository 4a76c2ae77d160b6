package app

// SMTPConfig is the mail server that takes e-mails; without a host there are
// none.
type SMTPConfig struct {
	Host string `yaml:"host"`
	// Port is 587 when it is 0, or 465 for implicit TLS.
	Port int `yaml:"port"`
	// TLS is mandatory, implicit, opportunistic or none.
	TLS          string `yaml:"tls"`
	Username     string `yaml:"username"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
	// From is the sender, such as Nightbell <nightbell@example.com>.
	From string `yaml:"from"`
	// Connections bounds those to the server, on this node.
	Connections int `yaml:"connections"`
}

// WebhookConfig is about the webhooks that people register.
type WebhookConfig struct {
	// AllowNetworks are addresses and networks (CIDR) of the operator's own that
	// webhooks may lead into.
	AllowNetworks []string `yaml:"allow_networks"`
}

// TwilioConfig is the account that sends text messages and calls; without a
// SID there are none.
type TwilioConfig struct {
	AccountSID    string `yaml:"account_sid"`
	AuthToken     string `yaml:"auth_token"`
	AuthTokenFile string `yaml:"auth_token_file"`
	// From is the number that sends and calls, in international form.
	From string `yaml:"from"`
	// Endpoint replaces Twilio's own, for a stand-in.
	Endpoint string `yaml:"endpoint"`
}
