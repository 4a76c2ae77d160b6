package app

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// find gives what the doctor says of a part.
func find(t *testing.T, all []Finding, part string) Finding {
	t.Helper()
	for _, f := range all {
		if f.Part == part {
			return f
		}
	}
	t.Fatalf("nothing is said of %s in %+v", part, all)
	return Finding{}
}

func TestTheDoctorFinds(t *testing.T) {
	cases := []struct {
		name, part string
		health     Health
		says       string
		spoil      func(t *testing.T, c *Config)
	}{
		{"an address of this machine only", "public_url", Doubtful, "only be reached from this machine", func(*testing.T, *Config) {}},
		{"an address without TLS", "public_url", Doubtful, "not encrypted", func(_ *testing.T, c *Config) { c.PublicURL = "http://bell.example.com" }},
		{"a good address", "public_url", Healthy, "https://bell.example.com", func(_ *testing.T, c *Config) { c.PublicURL = "https://bell.example.com" }},
		{"a free port", "listen", Healthy, "is free", func(*testing.T, *Config) {}},
		{"a port in use", "listen", Broken, "cannot listen", func(t *testing.T, c *Config) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() { // a stranger that hangs up on everybody
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_ = conn.Close()
				}
			}()
			t.Cleanup(func() { _ = l.Close() })
			c.Listen = l.Addr().String()
		}},
		{"a Nightbell that runs", "listen", Healthy, "a Nightbell that is up", func(t *testing.T, c *Config) {
			a, _ := startApp(t, *c)
			c.Listen = a.Addr()
		}},
		{"no push app", "push", Doubtful, "only a browser can ring", func(*testing.T, *Config) {}},
		{"no push at all", "push", Doubtful, "no phone can ring", func(_ *testing.T, c *Config) { c.Push.WebPush.Enabled = false }},
		{"nobody to reach", "push.webpush", Doubtful, "Safari", func(*testing.T, *Config) {}},
		{"a subject", "push.webpush", Healthy, "mailto:ops@example.com", func(_ *testing.T, c *Config) { c.Push.WebPush.Subject = "mailto:ops@example.com" }},
		{"public_url for a subject", "push.webpush", Healthy, "https://bell.example.com", func(_ *testing.T, c *Config) { c.PublicURL = "https://bell.example.com" }},
		{"a push service at home", "push.webpush.extra_hosts", Doubtful, "private address", func(_ *testing.T, c *Config) { c.Push.WebPush.ExtraHosts = []string{"10.0.0.7:8443"} }},
		{"a key that is none", "push.apns", Broken, "app ios, file /keys/ring.p8: ", func(_ *testing.T, c *Config) {
			c.Push.APNs.Apps = []APNsApp{{Name: "ios", Key: "x", KeyFile: "/keys/ring.p8"}}
		}},
		{"a service account that is none", "push.fcm", Broken, "app android: ", func(_ *testing.T, c *Config) {
			c.Push.FCM.Apps = []FCMApp{{Name: "android", ServiceAccount: "{}"}}
		}},
		{"a data directory to be made", "data_dir", Healthy, "will be made", func(*testing.T, *Config) {}},
		{"a data directory under a file", "data_dir", Broken, "", func(t *testing.T, c *Config) {
			c.DataDir = filepath.Join(writeFile(t, "file", ""), "data")
		}},
		{"a secret others may read", "secret", Doubtful, "may be read by others", func(t *testing.T, c *Config) {
			c.DataDir = t.TempDir()
			if err := os.WriteFile(filepath.Join(c.DataDir, "secret"), []byte(strings.Repeat("s", 40)), 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{"a damaged secret", "secret", Broken, "backup", func(t *testing.T, c *Config) {
			c.DataDir = t.TempDir()
			if err := os.WriteFile(filepath.Join(c.DataDir, "secret"), []byte("s"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"a newer database", "database", Broken, "99999", newerDatabase},
		{"a file that is no database", "database", Broken, "", func(t *testing.T, c *Config) {
			c.Database = writeFile(t, "nightbell.db", strings.Repeat("this is not SQLite ", 100))
		}},
		{"a database in order", "database", Healthy, "schema version", func(t *testing.T, c *Config) {
			if _, _, err := Migrate(t.Context(), *c, Options{}); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := testConfig(t)
			tc.spoil(t, &c)
			f := find(t, Doctor(t.Context(), c, nil), tc.part)
			if f.Health != tc.health || !strings.Contains(f.Says, tc.says) {
				t.Errorf("%+v, want health %d and %q", f, tc.health, tc.says)
			}
		})
	}
}

func TestTheDoctorChangesNothing(t *testing.T) {
	c := testConfig(t)
	Doctor(t.Context(), c, nil)
	if left, _ := os.ReadDir(filepath.Dir(c.DataDir)); len(left) != 0 {
		t.Errorf("the doctor made %v", left)
	}
}

func TestTheDoctorReadsOutTheConfigurationsProblems(t *testing.T) {
	_, err := Load(Sources{Flags: map[string]string{"listen": "x", "lease": "0s"}})
	all := Doctor(t.Context(), Config{}, err)
	if len(all) != 2 || all[0].Health != Broken || all[1].Health != Broken {
		t.Errorf("%+v", all)
	}
}
