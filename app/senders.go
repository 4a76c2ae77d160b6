package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/apns"
	"github.com/nightbell/nightbell/push/fcm"
)

// senders makes the providers' senders. It only reads keys and connects to
// nobody, so a key that is no key is found before anything is opened.
func (a *App) senders() (map[push.Provider]push.Sender, error) {
	roots, err := a.cfg.rootCAs()
	if err != nil {
		return nil, err
	}
	senders := map[push.Provider]push.Sender{}
	if len(a.cfg.Push.APNs.Apps) > 0 {
		s, err := a.apnsSender(roots)
		if err != nil {
			return nil, err
		}
		senders[push.APNs] = s
	}
	if len(a.cfg.Push.FCM.Apps) > 0 {
		s, err := a.fcmSender(roots)
		if err != nil {
			return nil, err
		}
		senders[push.FCM] = s
	}
	return senders, nil
}

func (a *App) apnsSender(roots *x509.CertPool) (push.Sender, error) {
	c := a.cfg.Push.APNs
	conf := apns.Config{RootCAs: roots, Endpoints: map[string]string{}, Now: a.opt.Now, Log: a.log, Meter: a.meter}
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
			Name: app.Name, Topic: app.BundleID, TeamID: app.TeamID, KeyID: app.KeyID, KeyPEM: []byte(app.Key),
		})
	}
	s, err := apns.New(conf)
	if err != nil {
		return nil, fmt.Errorf("push.apns: %w", err)
	}
	a.opened.add("connections to APNs", func(context.Context) error { s.Close(); return nil })
	return s, nil
}

func (a *App) fcmSender(roots *x509.CertPool) (push.Sender, error) {
	c := a.cfg.Push.FCM
	conf := fcm.Config{RootCAs: roots, Now: a.opt.Now, Log: a.log, Meter: a.meter}
	for _, app := range c.Apps {
		if _, err := fcm.ParseServiceAccount([]byte(app.ServiceAccount)); err != nil {
			return nil, fmt.Errorf("push.fcm: %w", keyTrouble(app.Name, app.ServiceAccountFile, err))
		}
		conf.Apps = append(conf.Apps, fcm.App{Name: app.Name, ServiceAccountJSON: []byte(app.ServiceAccount), Endpoint: c.Endpoint})
	}
	s, err := fcm.New(conf)
	if err != nil {
		return nil, fmt.Errorf("push.fcm: %w", err)
	}
	a.opened.add("connections to FCM", func(context.Context) error { s.Close(); return nil })
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

// options gives what is configured for each push app beside its keys.
func (c PushConfig) options() func(push.Provider, string) push.AppOptions {
	type key struct {
		provider push.Provider
		app      string
	}
	known := map[key]push.AppOptions{}
	for _, a := range c.APNs.Apps {
		known[key{push.APNs, a.Name}] = push.AppOptions{Privacy: push.Privacy(a.Privacy), Unlock: a.Unlock}
	}
	for _, a := range c.FCM.Apps {
		known[key{push.FCM, a.Name}] = push.AppOptions{Privacy: push.Privacy(a.Privacy), Unlock: a.Unlock}
	}
	return func(p push.Provider, app string) push.AppOptions { return known[key{p, app}] }
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
