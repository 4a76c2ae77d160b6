package app

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/apns"
	"github.com/nightbell/nightbell/push/fcm"
)

// build makes a provider's sender of the configuration file's apps and the
// given ones; nil when there is none. It connects to nobody.
func (p *pushers) build(of push.Provider, more []push.App) (provider, error) {
	roots, err := p.app.cfg.rootCAs()
	if err != nil {
		return nil, err
	}
	more = p.usable(of, more)
	if of == push.APNs {
		return p.apns(roots, more)
	}
	return p.fcm(roots, more)
}

// usable leaves out what the file has already and what cannot be opened: one
// app's trouble must not silence the others.
func (p *pushers) usable(of push.Provider, all []push.App) (good []push.App) {
	for _, a := range all {
		if a.Provider != of {
			continue
		}
		if p.app.cfg.hasPushApp(of, a.Name) {
			p.app.log.Warn("a push app stands in the configuration file and in the database; the file's is used", "provider", of, "app", a.Name)
			continue
		}
		plain, err := p.open(a)
		if err == nil {
			err = checkCredentials(a, plain)
		}
		if err != nil {
			p.app.log.Error("a push app cannot be used; give it its key again through the API", "provider", of, "app", a.Name, "error", err)
			continue
		}
		a.Sealed = plain // from here on it is what was sealed
		good = append(good, a)
	}
	return good
}

// open gives the app's credentials, nil where it needs none.
func (p *pushers) open(a push.App) ([]byte, error) {
	if len(a.Sealed) == 0 {
		return nil, nil
	}
	return p.vault.Open(a.Sealed, owner(a))
}

// owner is what an app's credentials are bound to.
func owner(a push.App) string { return string(a.Provider) + "/" + a.Name }

// checkCredentials judges credentials as those of the file are judged.
func checkCredentials(a push.App, plain []byte) error {
	field, err := "", error(nil)
	switch {
	case a.Provider == push.APNs:
		field = "key"
		_, err = apns.ParseKey(plain)
	case a.Settings.Ambient && len(plain) > 0:
		return push.BadAppKey("service_account", "ambient means that the servers' own credentials are used; leave one of the two out")
	case !a.Settings.Ambient:
		field = "service_account"
		_, err = fcm.ParseServiceAccount(plain)
	}
	var said *fault.Error
	if errors.As(err, &said) {
		return push.BadAppKey(field, said.Message)
	}
	return err
}

func (p *pushers) apns(roots *x509.CertPool, more []push.App) (provider, error) {
	c := p.app.cfg.Push.APNs
	conf := apns.Config{RootCAs: roots, Endpoints: map[string]string{}, Now: p.app.opt.Now, Log: p.app.log, Meter: p.app.meter}
	for environment, endpoint := range map[string]string{apns.Production: c.EndpointProduction, apns.Sandbox: c.EndpointSandbox} {
		if endpoint != "" {
			conf.Endpoints[environment] = endpoint
		}
	}
	for _, app := range c.Apps {
		if _, err := apns.ParseKey([]byte(app.Key)); err != nil {
			return nil, fmt.Errorf("push.apns: %w", keyTrouble(app.Name, app.KeyFile, err))
		}
		conf.Apps = append(conf.Apps, apns.App{
			Name: app.Name, Topic: app.BundleID, TeamID: app.TeamID, KeyID: app.KeyID, KeyPEM: []byte(app.Key), Environments: app.Environments,
		})
	}
	for _, a := range more {
		s := a.Settings
		conf.Apps = append(conf.Apps, apns.App{
			Name: a.Name, Topic: s.BundleID, TeamID: s.TeamID, KeyID: s.KeyID, KeyPEM: a.Sealed, Environments: s.Environments,
		})
	}
	if len(conf.Apps) == 0 {
		return nil, nil
	}
	s, err := apns.New(conf)
	if err != nil {
		return nil, fmt.Errorf("push.apns: %w", err)
	}
	return s, nil
}

func (p *pushers) fcm(roots *x509.CertPool, more []push.App) (provider, error) {
	c := p.app.cfg.Push.FCM
	conf := fcm.Config{RootCAs: roots, Now: p.app.opt.Now, Log: p.app.log, Meter: p.app.meter}
	for _, app := range c.Apps {
		if !app.Ambient {
			if _, err := fcm.ParseServiceAccount([]byte(app.ServiceAccount)); err != nil {
				return nil, fmt.Errorf("push.fcm: %w", keyTrouble(app.Name, app.ServiceAccountFile, err))
			}
		}
		conf.Apps = append(conf.Apps, fcm.App{
			Name: app.Name, ServiceAccountJSON: []byte(app.ServiceAccount), Ambient: app.Ambient, ProjectID: app.ProjectID, Endpoint: c.Endpoint,
		})
	}
	for _, a := range more {
		conf.Apps = append(conf.Apps, fcm.App{
			Name: a.Name, ServiceAccountJSON: a.Sealed, Ambient: a.Settings.Ambient, ProjectID: a.Settings.ProjectID, Endpoint: c.Endpoint,
		})
	}
	if len(conf.Apps) == 0 {
		return nil, nil
	}
	s, err := fcm.New(conf)
	if err != nil {
		return nil, fmt.Errorf("push.fcm: %w", err)
	}
	return s, nil
}

// keyTrouble says which app's key is meant, and the file it came from, if it
// came from one: who has five apps must not have to try five files.
func keyTrouble(name, file string, err error) error {
	if file == "" {
		return fmt.Errorf("app %s: %w", name, err)
	}
	return fmt.Errorf("app %s, file %s: %w", name, file, err)
}

// rootCAs are the system's authorities and those of push.ca_file; nil means
// the system's alone.
func (c Config) rootCAs() (*x509.CertPool, error) {
	if c.Push.CAFile == "" {
		return nil, nil
	}
	pem, err := readBounded(c.Push.CAFile, maxConfigFile)
	if err != nil {
		return nil, fmt.Errorf("push.ca_file: %w; check the path and its permissions", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("push.ca_file: %s holds no certificate; it must be PEM (-----BEGIN CERTIFICATE-----)", c.Push.CAFile)
	}
	return pool, nil
}

// words are the languages that phones are spoken to in.
func (c PushConfig) words() (*push.Words, error) {
	if c.WordsDir == "" {
		return push.BuiltinWords(), nil
	}
	if info, err := os.Stat(c.WordsDir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("push.words_dir: %s is no directory that can be read; give one with a file such as fr.json, or leave it empty", c.WordsDir)
	}
	words, err := push.LoadWords(os.DirFS(c.WordsDir))
	if err != nil {
		return nil, fmt.Errorf("push.words_dir: %w", err)
	}
	return words, nil
}
