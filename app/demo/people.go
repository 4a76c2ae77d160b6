package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/setup"
)

// The push apps of the demo: their names here, and what the providers call them.
const (
	iosApp     = "demo-ios"
	androidApp = "demo-android"
	bundleID   = "app.nightbell.demo"
	project    = "nightbell-demo"
)

// person is somebody of the demo's organisation, with their phone. The tokens
// are fixed so that a kept data directory knows its phones again.
type person struct {
	name, email, phone string
	device             pushtest.Device
	registration       registration
}

// registration is the body of POST /v1/devices.
type registration struct {
	Name         string            `json:"name"`
	Platform     push.Platform     `json:"platform"`
	Provider     push.Provider     `json:"provider"`
	App          string            `json:"app"`
	Environment  string            `json:"environment"`
	Token        string            `json:"token"`
	Capabilities push.Capabilities `json:"capabilities"`
}

var people = []person{
	newPerson("Ana", "ana@example.com", "iPhone", push.IOS),
	newPerson("Ben", "ben@example.com", "Pixel", push.Android),
}

func newPerson(name, email, model string, platform push.Platform) person {
	phone := name + "'s " + model
	provider, appName, appID, token := push.APNs, iosApp, bundleID, strings.Repeat("a1", 32)
	if platform == push.Android {
		provider, appName, appID, token = push.FCM, androidApp, project, strings.Repeat("demo-token-", 5)
	}
	return person{
		name: name, email: email, phone: phone,
		device: pushtest.Device{Provider: provider, Token: token, App: appID, Name: phone},
		registration: registration{
			Name: phone, Platform: platform, Provider: provider, App: appName, Environment: pushtest.Production, Token: token,
			Capabilities: push.Capabilities{Alerts: true, Critical: true, TimeSensitive: true},
		},
	}
}

// pickUp switches the person's phone on: the provider knows its token, and
// its app signs in and registers, as a real one does.
func (d *Demo) pickUp(ctx context.Context, p person) error {
	if err := d.emulator.AddDevice(p.device); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var session struct {
		AccessToken string `json:"access_token"`
		User        struct{ ID, Name string }
	}
	login := map[string]string{"email": p.email, "password": setup.DemoPassword, "label": p.phone}
	if err := d.post(ctx, "/v1/sessions", "", login, &session); err != nil {
		return fmt.Errorf("signing in as %s: %w", p.email, err)
	}
	d.names[session.User.ID] = session.User.Name
	return d.post(ctx, "/v1/devices", session.AccessToken, p.registration, nil)
}

// newClient keeps no connection: the demo asks four questions in its life.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

// post sends JSON to the node, and reads its answer into out unless it is nil.
func (d *Demo) post(ctx context.Context, path, token string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.node.Addr()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := newClient().Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("POST %s answers %s: %s", path, res.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}
