package pushtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/nightbell/nightbell/push"
)

var jsonHeader = []hpack.HeaderField{{Name: "content-type", Value: "application/json; charset=UTF-8"}}

// googleError is an error in Google's form (google.rpc.Status), with FCM's own
// code where FCM itself refused.
type googleError struct {
	status  int    // HTTP
	word    string // google.rpc.Code
	message string
	code    string // FcmError; empty: the request did not get as far as FCM
	fields  []violation
	token   string
}

type violation struct {
	Field       string `json:"field,omitempty"`
	Description string `json:"description"`
}

func (g *googleError) answer() answer {
	details := []any{}
	if len(g.fields) > 0 {
		details = append(details, map[string]any{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": g.fields})
	}
	if g.code != "" {
		details = append(details, map[string]any{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": g.code})
	}
	inner := map[string]any{"code": g.status, "message": g.message, "status": g.word}
	if len(details) > 0 {
		inner["details"] = details
	}
	body, _ := json.Marshal(map[string]any{"error": inner})
	return answer{status: g.status, body: body, header: append(jsonHeader[:1:1],
		field("date", time.Now().UTC().Format(http.TimeFormat)), field("emulator-why", headerSafe(g.message)))}
}

func badRequest(fieldName, message string, args ...any) *googleError {
	text := fmt.Sprintf(message, args...)
	return &googleError{
		status: 400, word: "INVALID_ARGUMENT", message: text,
		fields: []violation{{Field: fieldName, Description: text}},
	}
}

// invalid is a bad request that FCM itself found, not the JSON layer before it.
func invalid(fieldName, message string, args ...any) *googleError {
	g := badRequest(fieldName, message, args...)
	g.code = "INVALID_ARGUMENT"
	return g
}

// fcmWords are the status and the google.rpc code of each FCM error code.
var fcmWords = map[string]googleError{
	"UNREGISTERED":           {status: 404, word: "NOT_FOUND", message: "Requested entity was not found."},
	"SENDER_ID_MISMATCH":     {status: 403, word: "PERMISSION_DENIED", message: "SenderId mismatch"},
	"QUOTA_EXCEEDED":         {status: 429, word: "RESOURCE_EXHAUSTED", message: "Resource has been exhausted (e.g. check quota)."},
	"UNAVAILABLE":            {status: 503, word: "UNAVAILABLE", message: "The service is currently unavailable."},
	"INTERNAL":               {status: 500, word: "INTERNAL", message: "Internal error encountered."},
	"THIRD_PARTY_AUTH_ERROR": {status: 401, word: "UNAUTHENTICATED", message: "Request is missing required authentication credential."},
	"INVALID_ARGUMENT":       {status: 400, word: "INVALID_ARGUMENT", message: "The registration token is not a valid FCM registration token"},
	"UNSPECIFIED_ERROR":      {status: 500, word: "UNKNOWN", message: "Unknown error."},
}

func fcmError(code string) *googleError {
	g := fcmWords[code]
	g.code = code
	return &g
}

// plainErrors are refusals of Google's front, without FCM's own word.
var plainErrors = map[string]googleError{
	"UNAUTHENTICATED":   {status: 401, word: "UNAUTHENTICATED", message: "Request had invalid authentication credentials. Expected OAuth 2 access token."},
	"PERMISSION_DENIED": {status: 403, word: "PERMISSION_DENIED", message: "Permission 'cloudmessaging.messages.create' denied on resource (or it may not exist)."},
	"NOT_FOUND":         {status: 404, word: "NOT_FOUND", message: "Method not found."},
}

func plain(word string) *googleError {
	g := plainErrors[word]
	return &g
}

// fcmAnswer is the error of a fault: FCM's own, Google's, or a proxy's.
func (f *Fault) fcmAnswer() answer {
	g, known := fcmWords[f.Reason]
	g.code = f.Reason
	if !known {
		g = googleError{word: f.Reason, message: f.Body}
	}
	if f.Status != 0 {
		g.status = f.Status
	}
	a := g.answer()
	if f.Reason == "" {
		a = answer{status: f.Status, body: []byte(f.Body)}
	}
	return a.retryAfter(f.RetryAfter)
}

// serveGoogle answers what is not APNs: FCM, its token endpoint, and the
// control API when it came over HTTP/2.
func (e *Emulator) serveGoogle(c *call) {
	switch {
	case isControl(c.path):
		e.work.Go(func() { e.serveControl(c) })
	case c.path == "/token":
		e.serveToken(c)
	default:
		e.serveFCM(c)
	}
}

func (e *Emulator) serveFCM(c *call) {
	m, d, no := e.readFCM(c)
	if no != nil {
		e.noteRefusal(Refusal{Provider: push.FCM, Token: no.token, Status: no.status, Reason: no.reason(), Why: no.message})
		e.later(0, func() { c.reply.answer(no.answer()) })
		return
	}
	p := m.push(d, c.body, e.now())
	if m.validateOnly {
		p.ID = "projects/" + d.App + "/messages/fake_message_id"
	}
	deliver := func() {
		if !m.validateOnly {
			e.deliver(d, p)
		}
	}
	f := e.faults.take(push.FCM, "", d.Token)
	if f != nil && e.disturb(c, f, deliver, f.fcmAnswer) {
		return
	}
	deliver()
	body := []byte(`{"name":"` + p.ID + `"}`)
	e.later(f.latency(), func() { c.reply.answer(answer{status: 200, body: body, header: jsonHeader}) })
}

func (g *googleError) reason() string {
	if g.code != "" {
		return g.code
	}
	return g.word
}

// readFCM checks path, credentials, body and target, in Google's order.
func (e *Emulator) readFCM(c *call) (*message, *device, *googleError) {
	project, ok := strings.CutPrefix(c.path, "/v1/projects/")
	project, okEnd := strings.CutSuffix(project, "/messages:send")
	if !ok || !okEnd || c.method != http.MethodPost || project == "" || strings.ContainsAny(project, "/?") {
		return nil, nil, plain("NOT_FOUND")
	}
	e.mu.RLock()
	b, known := e.bearers[c.bearer()]
	e.mu.RUnlock()
	switch {
	case !known || !e.now().Before(b.expires):
		return nil, nil, plain("UNAUTHENTICATED")
	case b.project != project:
		return nil, nil, plain("PERMISSION_DENIED")
	}
	m, no := readMessage(c)
	if no != nil {
		return nil, nil, no
	}
	d, no := e.findFCM(m, project)
	if no != nil {
		no.token = m.target
	}
	return m, d, no
}

func (e *Emulator) findFCM(m *message, project string) (*device, *googleError) {
	if m.targetField == "topic" || m.targetField == "condition" {
		return nil, badRequest("message."+m.targetField, "the emulator knows no topics; send to a token or fid")
	}
	if !isFCMToken(m.target) {
		return nil, invalid("message.token", "The registration token is not a valid FCM registration token")
	}
	d := e.device(push.FCM, m.target)
	if d == nil {
		return nil, fcmError("UNREGISTERED")
	}
	if d.App != project {
		return nil, fcmError("SENDER_ID_MISMATCH")
	}
	if _, dead := d.deadSince(); dead {
		return nil, fcmError("UNREGISTERED")
	}
	return d, nil
}
