package pushtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/nightbell/nightbell/push"
)

// controlRoutes is the control API; doc.go lists it.
func (e *Emulator) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	routes := map[string]func(*http.Request) (any, error){
		"GET /emulator":                        e.describe,
		"POST /emulator/apns/apps":             e.postApp,
		"POST /emulator/fcm/projects":          e.postProject,
		"POST /emulator/browsers":              e.postBrowser,
		"GET /emulator/devices":                func(*http.Request) (any, error) { return e.Devices(), nil },
		"POST /emulator/devices":               e.postDevice,
		"DELETE /emulator/devices/{token}":     e.deleteDevice,
		"POST /emulator/devices/{token}/kill":  e.postKill,
		"GET /emulator/devices/{token}/pushes": e.getPushes,
		"GET /emulator/devices/{token}/screen": e.getScreen,
		"POST /emulator/devices/{token}/press": e.postPress,
		"GET /emulator/faults":                 func(*http.Request) (any, error) { return e.Faults(), nil },
		"POST /emulator/faults":                e.postFault,
		"DELETE /emulator/faults":              e.deleteFaults,
		"DELETE /emulator/faults/{id}":         e.deleteFaults,
		"PUT /emulator/latency":                e.putLatency,
		"POST /emulator/goaway":                e.postGoAway,
		"POST /emulator/cut":                   e.postCut,
		"GET /emulator/refusals":               func(*http.Request) (any, error) { return e.Refusals(), nil },
	}
	for pattern, handle := range routes {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v, err := handle(r)
			writeJSON(w, v, err)
		})
	}
	mux.HandleFunc("GET /emulator/ca.pem", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(e.CAPEM())
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, nil, notHere(r.Method+" "+r.URL.Path+" is not part of the control API; GET /emulator tells more"))
	})
	return mux
}

// controlError is a refusal of the control API.
type controlError struct {
	status  int
	message string
}

// Error gives the sentence.
func (e *controlError) Error() string { return e.message }

func notHere(message string) error { return &controlError{http.StatusNotFound, message} }

func writeJSON(w http.ResponseWriter, v any, err error) {
	status := http.StatusOK
	if err != nil {
		status = http.StatusBadRequest
		var c *controlError
		if errors.As(err, &c) {
			status = c.status
		}
		v = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}

// readJSON decodes a small body strictly; an empty one leaves v as it is.
func readJSON(r *http.Request, v any) error {
	dec := json.NewDecoder(io.LimitReader(r.Body, bodyLimit))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the body cannot be used (%w); push/pushtest/doc.go shows what each address takes", err)
	}
	return nil
}

var done = map[string]bool{"ok": true}

func (e *Emulator) describe(*http.Request) (any, error) {
	e.mu.RLock()
	topics := make([]string, 0, len(e.topics))
	for t := range e.topics {
		topics = append(topics, t)
	}
	e.mu.RUnlock()
	return map[string]any{
		"apns_production": e.APNsURL(Production), "apns_sandbox": e.APNsURL(Sandbox), "fcm": e.FCMURL(), "webpush": e.WebPushURL(),
		"control": e.ControlURL(), "apps": topics, "devices": len(e.Devices()),
		"apns_pushes": e.Accepted(push.APNs), "fcm_pushes": e.Accepted(push.FCM), "webpush_pushes": e.Accepted(push.WebPush), "latency": time.Duration(e.latency.Load()).String(),
	}, nil
}

func (e *Emulator) postApp(r *http.Request) (any, error) {
	var in struct {
		BundleID string `json:"bundle_id"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if in.BundleID == "" {
		return nil, &controlError{http.StatusBadRequest, "bundle_id is missing"}
	}
	return e.NewAPNsApp(in.BundleID), nil
}

func (e *Emulator) postProject(r *http.Request) (any, error) {
	var in struct {
		ProjectID string `json:"project_id"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if in.ProjectID == "" {
		return nil, &controlError{http.StatusBadRequest, "project_id is missing"}
	}
	account, err := e.NewServiceAccount(in.ProjectID)
	return json.RawMessage(account), err
}

func (e *Emulator) postDevice(r *http.Request) (any, error) {
	var d Device
	if err := readJSON(r, &d); err != nil {
		return nil, err
	}
	if d.Token == "" {
		d.Token = fcmToken()
		if d.Provider == push.APNs {
			d.Token = randomHex(32)
		}
	}
	if err := e.AddDevice(d); err != nil {
		return nil, err
	}
	if known := e.find(d.Token); known != nil { // or somebody has removed it already
		d = known.Device
	}
	return d, nil
}

func (e *Emulator) deleteDevice(r *http.Request) (any, error) {
	if !e.RemoveDevice(r.PathValue("token")) {
		return nil, noDevice
	}
	return done, nil
}

var noDevice = &controlError{http.StatusNotFound, "no device here has this token"}

func (e *Emulator) postKill(r *http.Request) (any, error) {
	in := struct{ Since time.Time }{e.now()}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if !e.Kill(r.PathValue("token"), in.Since) {
		return nil, noDevice
	}
	return done, nil
}

func (e *Emulator) postFault(r *http.Request) (any, error) {
	var f Fault
	if err := readJSON(r, &f); err != nil {
		return nil, err
	}
	return map[string]int{"id": e.Inject(f)}, nil
}

func (e *Emulator) deleteFaults(r *http.Request) (any, error) {
	if r.PathValue("id") == "" {
		e.Clear()
		return done, nil
	}
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return nil, notHere("a fault's id is a number")
	}
	e.Clear(id)
	return done, nil
}

func (e *Emulator) putLatency(r *http.Request) (any, error) {
	var in struct{ Latency Duration }
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if in.Latency < 0 {
		return nil, &controlError{http.StatusBadRequest, "latency must not be negative; write it as 50ms or 2s"}
	}
	e.SetLatency(time.Duration(in.Latency))
	return done, nil
}

type providerInput struct {
	Provider push.Provider `json:"provider"`
	Reason   string        `json:"reason"`
}

// readProvider reads which provider is meant: a word that is none must not cut
// the other one.
func readProvider(r *http.Request) (in providerInput, err error) {
	if err := readJSON(r, &in); err != nil {
		return in, err
	}
	if in.Provider != push.APNs && in.Provider != push.FCM && in.Provider != push.WebPush {
		return in, noProvider(in.Provider)
	}
	return in, nil
}

func noProvider(given push.Provider) error {
	return fmt.Errorf("the provider is apns, fcm or webpush, not %q", given)
}

func (e *Emulator) postGoAway(r *http.Request) (any, error) {
	in, err := readProvider(r)
	if err != nil {
		return nil, err
	}
	e.GoAway(in.Provider, in.Reason)
	return done, nil
}

func (e *Emulator) postCut(r *http.Request) (any, error) {
	in, err := readProvider(r)
	if err != nil {
		return nil, err
	}
	e.Cut(in.Provider)
	return done, nil
}
