package fcm_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push/fcm"
)

func TestParseServiceAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	with := func(key string, value any) []byte {
		var m map[string]any
		if err := json.Unmarshal(w.account, &m); err != nil {
			t.Fatal(err)
		}
		m[key] = value
		if value == nil {
			delete(m, key)
		}
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	ec := w.em.APNsKey().KeyPEM
	tests := []struct {
		name, says string
		file       []byte
	}{
		{"Google's", "", w.account},
		{"without a token_uri there is Google's", "", with("token_uri", nil)},
		{"empty", "not a JSON file", nil},
		{"the app's file", "google-services.json", []byte(`{"project_info":{"project_id":"x"}}`)},
		{"a person's", `"authorized_user"`, with("type", "authorized_user")},
		{"no project", "project_id", with("project_id", nil)},
		{"no mail", "client_email", with("client_email", "")},
		{"no key", "private_key", with("private_key", nil)},
		{"a key that is none", "not a PEM block", with("private_key", "secret")},
		{"damaged", "damaged", with("private_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")},
		{"Apple's key", "*ecdsa.PrivateKey", with("private_key", ec)},
		{"plain http", "no https address", with("token_uri", "http://oauth2.googleapis.com/token")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := fcm.ParseServiceAccount(tt.file)
			if tt.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !fault.Is(err, "bad_service_account") || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want a sentence with %q", err, tt.says)
			}
		})
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for says, app := range map[string]fcm.App{
		"has no name": {ServiceAccountJSON: w.account},
		"app x: the FCM service account cannot be used": {Name: "x", ServiceAccountJSON: []byte("{}")},
		"must be https:/": {Name: "x", ServiceAccountJSON: w.account, Endpoint: "http://localhost"},
	} {
		if _, err := fcm.New(fcm.Config{Apps: []fcm.App{app}}); err == nil || !strings.Contains(err.Error(), says) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("got %v, want a sentence with %q", err, says)
		}
	}
}
