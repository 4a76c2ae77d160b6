package app

import "time"

// Config is everything a node can be told. The yaml tags are the settings'
// names in the file; the environment's names follow from them (listen is
// NIGHTBELL_LISTEN, log.level is NIGHTBELL_LOG_LEVEL). Each is explained in
// docs/configuration.md and nightbell.example.yaml; a test compares the three.
type Config struct {
	// Listen is the host:port of the HTTP server.
	Listen string `yaml:"listen"`
	// PublicURL is how phones and people reach this instance.
	PublicURL string `yaml:"public_url"`
	// TrustedProxies are the addresses and networks (CIDR) of the proxies in
	// front; only what they say in X-Forwarded-For is believed.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// DataDir holds the SQLite file and the generated secret.
	DataDir string `yaml:"data_dir"`
	// Database is a postgres:// URL or a SQLite file path; empty means
	// nightbell.db in DataDir.
	Database     string `yaml:"database"`
	DatabaseFile string `yaml:"database_file"`
	// DatabaseConnections bounds the PostgreSQL connections of this node.
	DatabaseConnections int `yaml:"database_connections"`
	// Writers is how many group-commit writers run on PostgreSQL.
	Writers int `yaml:"writers"`
	// Migrate brings the schema up to date at start.
	Migrate bool `yaml:"migrate"`
	// Node names this node in leases and logs; empty means the host's name.
	Node string `yaml:"node"`
	// Secret seals the signing keys; every node of an instance has the same.
	Secret     string `yaml:"secret"`
	SecretFile string `yaml:"secret_file"`
	// ShutdownDeadline bounds the whole of Stop.
	ShutdownDeadline time.Duration `yaml:"shutdown_deadline"`
	// Lease is how long claimed work is kept from other nodes.
	Lease time.Duration `yaml:"lease"`

	Log       LogConfig       `yaml:"log"`
	Realtime  RealtimeConfig  `yaml:"realtime"`
	Retention RetentionConfig `yaml:"retention"`
	Notices   NoticesConfig   `yaml:"notices"`
	Push      PushConfig      `yaml:"push"`
	SMTP      SMTPConfig      `yaml:"smtp"`
	Webhook   WebhookConfig   `yaml:"webhook"`
	Twilio    TwilioConfig    `yaml:"twilio"`
}

// NoticesConfig is about what people are told of themselves.
type NoticesConfig struct {
	// ShiftReminder is how long before a shift its person is told of it, and
	// warned, with their managers, if no page would wake them; 0: never.
	ShiftReminder time.Duration `yaml:"shift_reminder"`
}

// LogConfig says how much is logged and in what form.
type LogConfig struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text, json
}

// RealtimeConfig is about the WebSocket stream.
type RealtimeConfig struct {
	// Origins are the web pages (scheme://host) that may open the stream from
	// a browser; native apps send no Origin and are always let in.
	Origins []string `yaml:"origins"`
	// MaxConnections bounds the open sockets of this node.
	MaxConnections int `yaml:"max_connections"`
}

// RetentionConfig is how long history is kept, in days.
type RetentionConfig struct {
	TimelineDays   int `yaml:"timeline_days"`
	DeliveriesDays int `yaml:"deliveries_days"`
}

// PushConfig is about the providers that carry pushes.
type PushConfig struct {
	// CAFile adds certificate authorities trusted for the providers' endpoints,
	// for the emulator and for TLS-inspecting proxies.
	CAFile string `yaml:"ca_file"`
	// ProbeEvery is how often a silent push asks the phones of those on call for
	// a receipt; 0: never.
	ProbeEvery time.Duration `yaml:"probe_every"`
	// WordsDir holds further languages for what phones show, a JSON file each.
	WordsDir string        `yaml:"words_dir"`
	APNs     APNsConfig    `yaml:"apns"`
	FCM      FCMConfig     `yaml:"fcm"`
	WebPush  WebPushConfig `yaml:"webpush"`
}

// APNsConfig is Apple's side.
type APNsConfig struct {
	// The endpoints replace Apple's own, for the emulator.
	EndpointProduction string    `yaml:"endpoint_production"`
	EndpointSandbox    string    `yaml:"endpoint_sandbox"`
	Apps               []APNsApp `yaml:"apps"`
}

// APNsApp is one iOS app and the key that may push to it.
type APNsApp struct {
	Name     string `yaml:"name"`
	BundleID string `yaml:"bundle_id"`
	TeamID   string `yaml:"team_id"`
	KeyID    string `yaml:"key_id"`
	Key      string `yaml:"key"` // PEM, the .p8 file's content
	KeyFile  string `yaml:"key_file"`
	// Environments the key is good for; empty: both.
	Environments []string `yaml:"environments"`
	// Privacy and Unlock: see push.AppOptions.
	Privacy string   `yaml:"privacy"`
	Unlock  []string `yaml:"unlock"`
}

// FCMConfig is Google's side.
type FCMConfig struct {
	// Endpoint replaces Google's own, for the emulator.
	Endpoint string   `yaml:"endpoint"`
	Apps     []FCMApp `yaml:"apps"`
}

// FCMApp is one Android app and the service account that may push to it.
type FCMApp struct {
	Name               string `yaml:"name"`
	ServiceAccount     string `yaml:"service_account"` // the JSON itself
	ServiceAccountFile string `yaml:"service_account_file"`
	// Ambient uses the machine's own Google credentials instead.
	Ambient bool `yaml:"ambient"`
	// ProjectID is needed with Ambient; a service account brings its own.
	ProjectID string `yaml:"project_id"`
	// Privacy and Unlock: see push.AppOptions.
	Privacy string   `yaml:"privacy"`
	Unlock  []string `yaml:"unlock"`
}

// WebPushConfig is about browsers. The key is generated and kept in the
// database.
type WebPushConfig struct {
	Enabled bool `yaml:"enabled"`
	// Subject is how push services reach the operator: mailto: or https:. Empty
	// means PublicURL.
	Subject string `yaml:"subject"`
	// ExtraHosts may be pushed to beside the browsers' own push services.
	ExtraHosts []string `yaml:"extra_hosts"`
	// AllowPrivate lets pushes go to private addresses.
	AllowPrivate bool `yaml:"allow_private"`
}

// Defaults is the one place of defaults.
func Defaults() Config {
	return Config{
		Listen:              "127.0.0.1:8080",
		DataDir:             "data",
		DatabaseConnections: 20,
		Writers:             2,
		Migrate:             true,
		ShutdownDeadline:    25 * time.Second,
		Lease:               30 * time.Second,
		Log:                 LogConfig{Level: "info", Format: "text"},
		Realtime:            RealtimeConfig{MaxConnections: 20_000},
		Retention:           RetentionConfig{TimelineDays: 400, DeliveriesDays: 30},
		Notices:             NoticesConfig{ShiftReminder: time.Hour},
		SMTP:                SMTPConfig{TLS: "mandatory", Connections: 2},
		Push:                PushConfig{WebPush: WebPushConfig{Enabled: true}},
	}
}
