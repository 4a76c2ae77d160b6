package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/nightbell/nightbell/push/pushtest"
)

// EmulatorConfig is what the emulator command is told.
type EmulatorConfig struct {
	// Listen serves FCM and the control API; APNs and Web Push take the three
	// ports after it.
	Listen string
	// Control serves the control API without TLS; empty: not at all.
	Control string
	// Dir gets the certificate, the keys and a configuration that uses them.
	Dir string
	// BundleID and Project name the app to both providers.
	BundleID, Project string
	Log               *slog.Logger
}

// Emulator stands in for APNs, FCM and a push service of browsers until it is
// stopped.
type Emulator struct {
	cfg    EmulatorConfig
	em     *pushtest.Emulator
	failed chan error
}

// NewEmulator makes an emulator; nothing is opened yet.
func NewEmulator(cfg EmulatorConfig) *Emulator {
	return &Emulator{cfg: cfg, failed: make(chan error)}
}

// Start opens the ports and writes the keys. When it fails nothing remains.
func (e *Emulator) Start(context.Context) error {
	var u undo
	if err := makeDir(e.cfg.Dir, "--dir", &u); err != nil {
		return err
	}
	em, err := pushtest.Start(pushtest.Config{Addr: e.cfg.Listen, ControlAddr: e.cfg.Control, Log: e.cfg.Log})
	if err != nil {
		u.run()
		return err
	}
	e.em = em
	if err := e.writeKeys(); err != nil {
		u.run()
		return errors.Join(err, em.Close())
	}
	return nil
}

// Failed never says anything: the emulator ends when it is told to.
func (e *Emulator) Failed() <-chan error { return e.failed }

// Stop closes the ports. The keys stay, but are of no use any more.
func (e *Emulator) Stop(context.Context) error { return e.em.Close() }

// The files in Dir.
const (
	emulatorCA      = "ca.pem"
	emulatorAccount = "service-account.json"
	emulatorConfig  = "nightbell.yaml"
)

func (e *Emulator) writeKeys() error {
	ios := e.em.NewAPNsApp(e.cfg.BundleID)
	account, err := e.em.NewServiceAccount(e.cfg.Project)
	if err != nil {
		return err
	}
	key := "AuthKey_" + ios.KeyID + ".p8"
	files := map[string]string{
		emulatorCA: string(e.em.CAPEM()), key: ios.KeyPEM, emulatorAccount: string(account),
		emulatorConfig: e.settings(ios, key),
	}
	for name, text := range files {
		if err := writeNew(filepath.Join(e.cfg.Dir, name), text); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}

// settings is a configuration file that points a node at the emulator. Its
// paths are absolute, so that it works from anywhere.
func (e *Emulator) settings(ios pushtest.APNsApp, key string) string {
	dir := e.cfg.Dir
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return fmt.Sprintf(`# Points Nightbell at the emulator. Written by nightbell emulator; void when it ends.
push:
  ca_file: %[1]s
  apns:
    endpoint_production: %[2]s
    endpoint_sandbox: %[3]s
    apps:
      - name: ios
        bundle_id: %[4]s
        team_id: %[5]s
        key_id: %[6]s
        key_file: %[7]s
  fcm:
    endpoint: %[8]s
    apps:
      - name: android
        service_account_file: %[9]s
  webpush:
    subject: mailto:emulator@example.com
    extra_hosts: [%[10]s]
    allow_private: true
`, quote(filepath.Join(dir, emulatorCA)), e.em.APNsURL(pushtest.Production), e.em.APNsURL(pushtest.Sandbox),
		quote(e.cfg.BundleID), ios.TeamID, ios.KeyID, quote(filepath.Join(dir, key)), e.em.FCMURL(), quote(filepath.Join(dir, emulatorAccount)),
		quote(strings.TrimPrefix(e.em.WebPushURL(), "https://")))
}

// quote writes a YAML string: Go's quoting is a subset of YAML's double quotes.
func quote(s string) string { return fmt.Sprintf("%q", s) }

// Describe says where the emulator listens and what it wrote.
func (e *Emulator) Describe() string {
	return fmt.Sprintf(`Standing in for APNs, FCM and a push service of browsers.

  APNs production  %s
  APNs sandbox     %s
  FCM and OAuth    %s
  Web Push         %s
  control API      %s

Keys, certificate and a ready configuration are in %s:

  nightbell serve --config %s

Register a phone with the emulator (apps "ios", %q, and "android", project %q), then with Nightbell by the token of the answer:

  curl -s --cacert %s %s/devices -d '{"provider":"apns","app":%q,"name":"my phone"}'
`, e.em.APNsURL(pushtest.Production), e.em.APNsURL(pushtest.Sandbox), e.em.FCMURL(), e.em.WebPushURL(), e.em.ControlURL(), e.cfg.Dir,
		filepath.Join(e.cfg.Dir, emulatorConfig), e.cfg.BundleID, e.cfg.Project,
		filepath.Join(e.cfg.Dir, emulatorCA), e.em.ControlURL(), e.cfg.BundleID)
}
