package api

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// access is what one operation answers to whom.
type access struct {
	body  string
	query string
	// want are the statuses for nobody, a stakeholder (Eve), a responder (Ana), a
	// manager (Max) and an admin (Oda). What is addressed is Ana's: a device, a
	// contact method; so 404 is how somebody else's looks.
	want [5]int
}

// accesses is the whole table of who may do what. An operation that is not in
// it fails the test: whoever adds one says here whom it is for.
var accesses = map[string]access{
	"createSession":        {body: `{"email":"ana@example.com","password":"correct horse"}`, want: [5]int{201, 201, 201, 201, 201}},
	"refreshSession":       {body: `{"refresh_token":"x"}`, want: [5]int{401, 401, 401, 401, 401}}, // its token is its proof
	"performAction":        {body: `{"token":"x"}`, want: [5]int{401, 401, 401, 401, 401}},
	"deleteCurrentSession": {want: [5]int{401, 204, 204, 204, 204}},
	"getMe":                {want: [5]int{401, 200, 200, 200, 200}},

	"listDevices":      {want: [5]int{401, 200, 200, 200, 200}},
	"registerDevice":   {body: `{"platform":"ios","provider":"apns","token":"` + appleToken + `"}`, want: [5]int{401, 201, 201, 201, 201}},
	"updateDevice":     {body: `{"name":"mine"}`, want: [5]int{401, 404, 200, 404, 404}},
	"removeDevice":     {want: [5]int{401, 404, 204, 404, 404}},
	"testDevice":       {body: `{"loud":false}`, want: [5]int{401, 404, 201, 404, 404}},
	"putActivity":      {body: `{"token":"ab"}`, want: [5]int{401, 404, 204, 404, 404}},
	"endActivity":      {want: [5]int{401, 404, 204, 404, 404}},
	"getWebPush":       {want: [5]int{401, 200, 200, 200, 200}},
	"getMyPageability": {want: [5]int{401, 404, 200, 404, 404}}, // only Ana has been judged
	"getPageability":   {want: [5]int{401, 404, 200, 200, 200}},
	"listPageability":  {want: [5]int{401, 403, 403, 200, 200}},
	"listHolds":        {want: [5]int{401, 403, 403, 403, 200}},
	"releaseHold":      {want: [5]int{401, 403, 403, 403, 204}},

	"listContactMethods":        {want: [5]int{401, 200, 200, 200, 200}},
	"createContactMethod":       {body: `{"method":"webhook","address":"https://example.com/"}`, want: [5]int{401, 201, 201, 201, 201}},
	"removeContactMethod":       {want: [5]int{401, 404, 204, 404, 404}},
	"verifyContactMethod":       {body: `{}`, want: [5]int{401, 404, 200, 404, 404}},
	"resendContactMethodCode":   {want: [5]int{401, 404, 409, 404, 404}}, // a webhook has no code
	"rotateContactMethodSecret": {want: [5]int{401, 404, 200, 404, 404}},
	"listNotificationRules":     {want: [5]int{401, 200, 200, 200, 200}},
	"replaceNotificationRules":  {body: `{"items":[{"urgency":"high","method":"push","device_id":"{device_id}"}]}`, want: [5]int{401, 400, 200, 400, 400}},

	"listIncidents":          {want: [5]int{401, 200, 200, 200, 200}},
	"getIncident":            {want: [5]int{401, 200, 200, 200, 200}},
	"listTimeline":           {want: [5]int{401, 200, 200, 200, 200}},
	"listAlerts":             {want: [5]int{401, 200, 200, 200, 200}},
	"listOnCall":             {want: [5]int{401, 200, 200, 200, 200}},
	"acknowledgeIncident":    {want: [5]int{401, 403, 200, 200, 200}},
	"unacknowledgeIncident":  {want: [5]int{401, 403, 200, 200, 200}},
	"resolveIncident":        {want: [5]int{401, 403, 200, 200, 200}},
	"escalateIncident":       {want: [5]int{401, 403, 200, 200, 200}},
	"reassignIncident":       {body: `{"user_ids":["{user_id}"]}`, want: [5]int{401, 403, 200, 200, 200}},
	"snoozeIncident":         {body: `{"until":"2026-03-30T00:00:00Z"}`, want: [5]int{401, 403, 200, 200, 200}},
	"addNote":                {body: `{"text":"x"}`, want: [5]int{401, 403, 200, 200, 200}},
	"listIncidentDeliveries": {want: [5]int{401, 200, 200, 200, 200}},
	"listDeliveries":         {want: [5]int{401, 403, 403, 200, 200}}, // everybody's
	"reportReceipts":         {body: `{"receipts":[{"delivery_id":"x","event":"opened"}]}`, want: [5]int{401, 200, 200, 200, 200}},

	"listPushApps":  {want: [5]int{401, 403, 403, 403, 200}},
	"createPushApp": {body: `{"provider":"fcm","name":"android","ambient":true,"project_id":"p"}`, want: [5]int{401, 403, 403, 403, 201}},
	"getPushApp":    {want: [5]int{401, 403, 403, 403, 200}},
	"changePushApp": {body: `{"bundle_id":"com.example","team_id":"T","key_id":"K"}`, want: [5]int{401, 403, 403, 403, 409}}, // the file's
	"removePushApp": {query: "?force=true", want: [5]int{401, 403, 403, 403, 204}},
}

// Each operation of the contract, asked by each role.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for path, item := range contractDocument(t).Paths.Map() {
		for method, op := range item.Operations() {
			if isHandWritten(op.Tags) {
				continue // events and probes have no session to judge, and the stream judges its own
			}
			a, ok := accesses[op.OperationID]
			if !ok {
				t.Errorf("%s is not in the table of who may do what", op.OperationID)
				continue
			}
			seen[op.OperationID] = true
			for i, who := range []string{"", "eve", "ana", "max", "oda"} {
				h, fill := furnished(t)
				if got := h.do(t, who, method, fill.Replace(path+a.query), fill.Replace(a.body)); got.Code != a.want[i] {
					t.Errorf("%s by %q: %d, want %d: %s", op.OperationID, who, got.Code, a.want[i], got.Body)
				}
			}
		}
	}
	for name := range accesses {
		if !seen[name] {
			t.Errorf("%s is in the table, but not in the contract", name)
		}
	}
}

// furnished is a house in which each address of the contract leads somewhere.
func furnished(t *testing.T) (*house, *strings.Replacer) {
	h := open(t)
	hook := push.Device{ID: id.New(id.Device), UserID: h.ana.ID, Provider: push.Webhook, Token: "https://example.com/hook", State: push.DeviceActive, CreatedAt: night}
	h.book.known = []push.Device{hook}
	h.watch.judged = []respond.Reachability{{Person: respond.Person{ID: h.ana.ID, Name: "Ana"}, Ring: push.Ring{Outlook: push.WillRing}}}
	h.phones.held = []push.Hold{{Provider: push.APNs, App: "pager"}}
	return h, strings.NewReplacer(
		"{incident_id}", h.inc.ID, "{device_id}", h.phone.ID, "{contact_method_id}", hook.ID, "{user_id}", h.ana.ID,
		"{provider}", "apns", "{app}", "pager", "{name}", "pager",
	)
}

// Nonsense in each place of each operation is refused with a problem: never
// 500, and nothing is done halfway.
func TestNonsenseIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	h, fill := furnished(t)
	ids := strings.NewReplacer("{incident_id}", "dev_x", "{device_id}", "inc_"+strings.Repeat("0", 26), "{contact_method_id}", "%22", "{user_id}", "me",
		"{provider}", "smoke", "{app}", "%00", "{name}", "%ff")
	for path, item := range contractDocument(t).Paths.Map() {
		for method, op := range item.Operations() {
			if isHandWritten(op.Tags) {
				continue
			}
			for _, who := range []string{"ana", "oda"} {
				if strings.Contains(path, "{") {
					h.nonsense(t, who, method, ids.Replace(path), fill.Replace(accesses[op.OperationID].body))
				}
				h.nonsense(t, who, method, fill.Replace(path)+"?cursor=%00&nothing=%ff&limit=1e999", "")
				if op.RequestBody != nil {
					for _, body := range nonsense(fill.Replace(accesses[op.OperationID].body)) {
						h.nonsense(t, who, method, fill.Replace(path), body)
					}
				}
			}
		}
	}
}

// nonsense makes bad bodies of a good one.
func nonsense(good string) []string {
	out := []string{
		"", "null", "7", `"text"`, "[]", "{", good + good, `{"\u0000":1}`, "{\"a\":\"\xff\xfe\"}", strings.Repeat("[", 100_000),
		`{"` + strings.Repeat("a", 1<<20) + `":1}`, strings.TrimSuffix(good, "}") + `,"nothing":1e999999}`,
	}
	for _, part := range strings.SplitAfter(good, `":`) {
		if !strings.HasSuffix(part, `":`) {
			continue
		}
		key := part[strings.LastIndex(part[:len(part)-2], `"`):]
		for _, value := range []string{"null", "1e999999", "-0.5", `["\ud800"]`, "{}", `"\u0000"`, strconv.Quote(strings.Repeat("z", 70_000))} {
			out = append(out, `{`+key+value+`}`)
		}
	}
	return out
}

func (h *house) nonsense(t *testing.T, who, method, target, body string) {
	t.Helper()
	a := h.do(t, who, method, target, body)
	if a.Code == http.StatusOK && strings.Contains(target, "/v1/receipts") && strings.Contains(a.Body.String(), "refused") {
		return // each receipt has its own result
	}
	if a.Code < 400 || a.Code >= 500 || a.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s %.100q: %d %.200s", method, target, body, a.Code, a.Body)
	}
}
