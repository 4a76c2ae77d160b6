package pushtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Pressed is what the server said to a button.
type Pressed struct {
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// ActionToken gives the token behind a button of the newest notification that
// has one.
func (e *Emulator) ActionToken(token, button string) (actionToken, server string, err error) {
	screen := e.Screen(token)
	for _, n := range slices.Backward(screen) {
		for _, b := range n.Buttons {
			if b.Name == button {
				return b.Token, n.Server, nil
			}
		}
	}
	return "", "", &controlError{http.StatusConflict, fmt.Sprintf("no notification on this phone has a button %q (it shows %d)", button, len(screen))}
}

// Press taps a button as a thumb would: the app, without any session, sends
// the button's token to the server named in the notification.
func (e *Emulator) Press(ctx context.Context, token, button string) (Pressed, error) {
	action, server, err := e.ActionToken(token, button)
	if err != nil {
		return Pressed{}, err
	}
	body, err := json.Marshal(map[string]string{"token": action})
	if err != nil {
		return Pressed{}, fmt.Errorf("encoding the action: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(server, "/")+"/v1/actions", bytes.NewReader(body))
	if err != nil {
		return Pressed{}, fmt.Errorf("the notification's server %q is no address: %w", server, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.cfg.Press.Do(req)
	if err != nil {
		return Pressed{}, fmt.Errorf("pressing %s: %w", button, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Pressed{}, fmt.Errorf("reading the answer to %s: %w", button, err)
	}
	if !json.Valid(raw) {
		raw, _ = json.Marshal(string(raw)) // a string always encodes
	}
	return Pressed{Status: resp.StatusCode, Body: raw}, nil
}

func (e *Emulator) postPress(r *http.Request) (any, error) {
	var in struct {
		Button string `json:"button"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if e.find(r.PathValue("token")) == nil {
		return nil, noDevice
	}
	return e.Press(r.Context(), r.PathValue("token"), in.Button)
}

func (e *Emulator) getScreen(r *http.Request) (any, error) {
	if e.find(r.PathValue("token")) == nil {
		return nil, noDevice
	}
	screen := e.Screen(r.PathValue("token"))
	if screen == nil {
		screen = []Notification{}
	}
	return screen, nil
}

// pushView is a Push with its payload readable.
type pushView struct {
	Push
	Payload json.RawMessage `json:"payload"`
}

// getPushes lists pushes after a sequence number, waiting for one if asked to.
func (e *Emulator) getPushes(r *http.Request) (any, error) {
	token := r.PathValue("token")
	if e.find(token) == nil {
		return nil, noDevice
	}
	after, _ := strconv.ParseInt(r.FormValue("after"), 10, 64)
	wait, _ := time.ParseDuration(r.FormValue("wait"))
	views := []pushView{}
	ctx, cancel := context.WithTimeout(r.Context(), min(max(wait, 0), time.Minute))
	defer cancel()
	// Nothing within the time is an empty list, not an error.
	_ = e.Wait(ctx, func() bool {
		for _, p := range e.Received(token) {
			if p.Seq > after {
				views = append(views, pushView{p, p.Payload})
			}
		}
		return len(views) > 0
	})
	return views, nil
}
