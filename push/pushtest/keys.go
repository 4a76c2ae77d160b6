package pushtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
)

// APNsApp is what a sender needs to push to an iOS app.
type APNsApp struct {
	BundleID string `json:"bundle_id"`
	TeamID   string `json:"team_id"`
	KeyID    string `json:"key_id"`
	// KeyPEM is the .p8 file.
	KeyPEM string `json:"key_pem"`
}

// apnsKey is a provider token key we know the public half of.
type apnsKey struct {
	id, team string
	public   *ecdsa.PublicKey
	pem      string
	// environment limits the key to one, as Apple's newer keys can be; empty: both.
	environment string
}

// account is a service account we issued.
type account struct {
	email, keyID, project string
	public                crypto.PublicKey
}

// APNsKey gives the emulator's team key: its id, team and .p8 file. It signs
// for every app registered with [Emulator.NewAPNsApp].
func (e *Emulator) APNsKey() APNsApp {
	return APNsApp{TeamID: e.key.team, KeyID: e.key.id, KeyPEM: e.key.pem}
}

// NewAPNsApp registers an app under the emulator's team and gives what a
// sender must be configured with. Twice for one bundle id is the same app.
func (e *Emulator) NewAPNsApp(bundleID string) APNsApp {
	e.mu.Lock()
	e.topics[bundleID] = e.key.team
	e.mu.Unlock()
	app := e.APNsKey()
	app.BundleID = bundleID
	return app
}

// NewAPNsKey makes another key of the same team, valid in one environment
// only, or in both when environment is empty.
func (e *Emulator) NewAPNsKey(environment string) (APNsApp, error) {
	k, err := newAPNsKey(e.key.team, environment)
	if err != nil {
		return APNsApp{}, err
	}
	e.mu.Lock()
	e.keys[k.id] = k
	e.mu.Unlock()
	return APNsApp{TeamID: k.team, KeyID: k.id, KeyPEM: k.pem}, nil
}

// NewAPNsTeam registers an app under a new team with a key of its own.
func (e *Emulator) NewAPNsTeam(bundleID string) (APNsApp, error) {
	k, err := newAPNsKey(appleID(), "")
	if err != nil {
		return APNsApp{}, err
	}
	e.mu.Lock()
	e.keys[k.id] = k
	e.topics[bundleID] = k.team
	e.mu.Unlock()
	return APNsApp{BundleID: bundleID, TeamID: k.team, KeyID: k.id, KeyPEM: k.pem}, nil
}

func newAPNsKey(team, environment string) (*apnsKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating an APNs key: %w", err)
	}
	file, err := pkcs8(private)
	if err != nil {
		return nil, err
	}
	return &apnsKey{id: appleID(), team: team, public: &private.PublicKey, pem: file, environment: environment}, nil
}

// NewServiceAccount makes a Google service account of a Firebase project, as
// the JSON file its console hands out; token_uri points at the emulator.
func (e *Emulator) NewServiceAccount(project string) ([]byte, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("generating a service account key: %w", err)
	}
	file, err := pkcs8(private)
	if err != nil {
		return nil, err
	}
	a := &account{
		email: "nightbell@" + project + ".iam.gserviceaccount.com",
		keyID: randomHex(20), project: project, public: &private.PublicKey,
	}
	e.mu.Lock()
	e.accounts[a.keyID] = a
	e.mu.Unlock()
	return json.MarshalIndent(map[string]string{
		"type": "service_account", "project_id": project, "private_key_id": a.keyID,
		"private_key": file, "client_email": a.email, "client_id": "100000000000000000001",
		"token_uri": e.FCMURL() + "/token",
	}, "", "  ")
}

func pkcs8(key any) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("encoding a key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// appleID makes a name like Apple's for teams and keys: ten of A–Z and 2–7.
func appleID() string { return rand.Text()[:10] }

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// fcmToken makes a registration token of the usual look: an installation id,
// a colon and a long opaque part.
func fcmToken() string {
	opaque := strings.ToLower(rand.Text()) + rand.Text() + strings.ToLower(rand.Text()) + rand.Text() + rand.Text()
	return rand.Text()[:22] + ":APA91b" + opaque
}
