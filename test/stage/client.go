package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Trigger posts an event and returns when it is promised (202).
func (s *Stage) Trigger(dedupKey, summary string) {
	s.T.Helper()
	if err := s.Event("trigger", dedupKey, summary); err != nil {
		s.T.Fatal(err)
	}
}

// Event posts an event; an error means that nothing was promised.
func (s *Stage) Event(action, dedupKey, summary string) error {
	body, err := json.Marshal(map[string]any{
		"routing_key": RoutingKey, "event_action": action, "dedup_key": dedupKey,
		"payload": map[string]string{"summary": summary, "source": "stage", "severity": "critical"},
	})
	if err != nil {
		return err
	}
	status, answer, err := send("POST", s.URL+"/v2/enqueue", "", body)
	if err == nil && status != http.StatusAccepted {
		err = fmt.Errorf("event answered %d: %s", status, answer)
	}
	return err
}

// Token signs the person in by password, once, and gives the access token.
func (s *Stage) Token(person string) string {
	s.T.Helper()
	if t := s.tokens[person]; t != "" {
		return t
	}
	var session struct {
		AccessToken string `json:"access_token"`
	}
	s.Call("POST", "/v1/sessions", "", map[string]any{"email": person + "@example.com", "password": Password}, &session)
	if session.AccessToken == "" {
		s.T.Fatalf("%s signed in but got no access token", person)
	}
	s.tokens[person] = session.AccessToken
	return session.AccessToken
}

// Call does one API call that must succeed, and decodes the answer into out.
func (s *Stage) Call(method, path, token string, in, out any) {
	s.T.Helper()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			s.T.Fatal(err)
		}
	}
	status, answer, err := send(method, s.URL+path, token, body)
	if err != nil {
		s.T.Fatal(err)
	}
	if status >= 300 {
		s.T.Fatalf("%s %s answered %d: %s", method, path, status, answer)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			s.T.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
}

// client keeps enough connections for the benchmarks' senders.
var client = &http.Client{
	Timeout:   30 * time.Second,
	Transport: &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 256},
}

func send(method, url, token string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, 4<<20))
	return res.StatusCode, answer, err
}
