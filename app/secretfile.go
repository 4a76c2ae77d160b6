package app

import (
	"fmt"
	"io"
	"strings"
)

const (
	maxConfigFile = 256 << 10
	// maxSecretFile is ample for a service account's JSON, the longest secret.
	maxSecretFile = 64 << 10
)

// secretPair is a secret that may be given by itself or as the path of a file
// that holds it, as Docker and Kubernetes mount them.
type secretPair struct {
	key   string // the setting's name, for sentences
	value *string
	file  string
}

func (c *Config) secretPairs() []secretPair {
	pairs := []secretPair{
		{"database", &c.Database, c.DatabaseFile},
		{"secret", &c.Secret, c.SecretFile},
		{"smtp.password", &c.SMTP.Password, c.SMTP.PasswordFile},
		{"twilio.auth_token", &c.Twilio.AuthToken, c.Twilio.AuthTokenFile},
	}
	for i := range c.Push.APNs.Apps {
		a := &c.Push.APNs.Apps[i]
		pairs = append(pairs, secretPair{fmt.Sprintf("push.apns.apps[%d].key", i), &a.Key, a.KeyFile})
	}
	for i := range c.Push.FCM.Apps {
		a := &c.Push.FCM.Apps[i]
		pairs = append(pairs, secretPair{fmt.Sprintf("push.fcm.apps[%d].service_account", i), &a.ServiceAccount, a.ServiceAccountFile})
	}
	return pairs
}

// readSecretFiles fills in the secrets that were given as files. Afterwards
// the rest of the program looks at the values only.
func readSecretFiles(c *Config) Problems {
	var problems Problems
	for _, p := range c.secretPairs() {
		if p.file == "" {
			continue
		}
		if *p.value != "" {
			problems = append(problems, fmt.Sprintf("%s and %s_file are both set; keep one of them", p.key, p.key))
			continue
		}
		text, err := readBounded(p.file, maxSecretFile)
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s_file: %v; check the path and its permissions", p.key, err))
		case strings.TrimSpace(string(text)) == "":
			problems = append(problems, fmt.Sprintf("%s_file: %s is empty", p.key, p.file))
		default:
			*p.value = strings.TrimSpace(string(text))
		}
	}
	return problems
}

// hideSecret keeps a secret's value out of a sentence about it.
func hideSecret(s Setting, err error) string {
	switch s.Key {
	case "secret", "database", "smtp.password", "twilio.auth_token":
		return "is malformed"
	}
	return err.Error()
}

func readAllBounded(r io.Reader, name string, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is larger than %d KiB, which is more than such a file can need", name, limit>>10)
	}
	return text, nil
}
