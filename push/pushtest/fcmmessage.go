package pushtest

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nightbell/nightbell/push"
)

const (
	fcmPayloadLimit = 4096
	fcmTTLLimit     = 28 * 24 * time.Hour
)

// message is what we keep of a send request that passed the checks.
type message struct {
	targetField, target string
	data                map[string]string
	high                bool
	ttl, collapseKey    string
	validateOnly        bool
}

// readMessage decodes and judges the body of a send request.
func readMessage(c *call) (*message, *googleError) {
	if contentType, _ := c.header("content-type"); !strings.HasPrefix(contentType, "application/json") {
		return nil, badRequest("", "Invalid JSON payload received: the content type is %q, not application/json", contentType)
	}
	if c.overlong {
		return nil, badRequest("", "Request payload size exceeds the limit: %d bytes.", bodyLimit)
	}
	var req map[string]any
	if err := json.Unmarshal(c.body, &req); err != nil {
		return nil, badRequest("", "Invalid JSON payload received. %v", err)
	}
	if bad := sendRequest.check("", req); len(bad) > 0 {
		g := badRequest("", "%s", bad[0].Description)
		g.fields = bad
		return nil, g
	}
	inner, _ := req["message"].(map[string]any)
	if inner == nil {
		return nil, badRequest("message", "Recipient of the message is not set.")
	}
	m := &message{}
	m.validateOnly, _ = req["validate_only"].(bool)
	for _, check := range []func(map[string]any) *googleError{m.readTarget, m.readData, m.readAndroid, checkPlatforms} {
		if no := check(inner); no != nil {
			return nil, no
		}
	}
	return m, nil
}

func (m *message) readTarget(o map[string]any) *googleError {
	for _, name := range []string{"token", "fid", "topic", "condition"} {
		v, _ := o[name].(string)
		if v == "" {
			continue
		}
		if m.target != "" {
			return badRequest("message", "Only one of token, fid, topic and condition may be set; there are %s and %s.", m.targetField, name)
		}
		m.targetField, m.target = name, v
	}
	if m.target == "" {
		return invalid("message", "Recipient of the message is not set.")
	}
	return nil
}

// reserved: FCM keeps these data keys to itself.
func reserved(key string) bool {
	return key == "from" || key == "message_type" || strings.HasPrefix(key, "google") || strings.HasPrefix(key, "gcm")
}

func (m *message) readData(o map[string]any) *googleError {
	all, _ := o["data"].(map[string]any)
	android, _ := o["android"].(map[string]any)
	if own, ok := android["data"].(map[string]any); ok {
		all = own // it overrides the common one
	}
	m.data = make(map[string]string, len(all))
	size := 0
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if reserved(k) {
			return invalid("message.data", "Invalid data payload key: %s", k)
		}
		m.data[k], _ = all[k].(string)
		size += len(k) + len(m.data[k])
	}
	if n, ok := o["notification"].(map[string]any); ok {
		for _, v := range n {
			s, _ := v.(string)
			size += len(s)
		}
	}
	if size > fcmPayloadLimit {
		return invalid("message", "Message payload is too big: %d bytes, %d are allowed", size, fcmPayloadLimit)
	}
	return nil
}

// ttlShape is a protobuf Duration: seconds, up to nine decimals, an s.
var ttlShape = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,9})?s$`)

func (m *message) readAndroid(o map[string]any) *googleError {
	android, _ := o["android"].(map[string]any)
	priority, _ := android["priority"].(string)
	switch strings.ToUpper(priority) {
	case "HIGH":
		m.high = true
	case "", "NORMAL":
	default:
		return badRequest("message.android.priority", "Invalid value at 'message.android.priority' (AndroidMessagePriority), %q", priority)
	}
	m.ttl, _ = android["ttl"].(string)
	if m.ttl != "" {
		if !ttlShape.MatchString(m.ttl) {
			return badRequest("message.android.ttl", "Invalid value at 'message.android.ttl' (Duration), Field 'ttl', Illegal duration format; duration must end with 's'")
		}
		seconds, _ := strconv.ParseFloat(strings.TrimSuffix(m.ttl, "s"), 64)
		if seconds > fcmTTLLimit.Seconds() {
			return invalid("message.android.ttl", "Invalid ttl %s: at most 28 days (2419200s)", m.ttl)
		}
	}
	m.collapseKey, _ = android["collapse_key"].(string)
	return nil
}

// checkPlatforms looks at the parts passed on to others as far as FCM does.
func checkPlatforms(o map[string]any) *googleError {
	apns, _ := o["apns"].(map[string]any)
	if headers, ok := apns["headers"].(map[string]any); ok {
		if p, ok := headers["apns-priority"].(string); ok && p != "5" && p != "10" {
			return invalid("message.apns.headers", "Invalid APNs priority: %s", p)
		}
	}
	return nil
}

// push is the message as the phone gets it.
func (m *message) push(d *device, body []byte, now time.Time) Push {
	return Push{
		At: now, Provider: push.FCM, App: d.App, Token: d.Token,
		ID:      "projects/" + d.App + "/messages/0:" + strconv.FormatInt(now.UnixMicro(), 10) + "%" + randomHex(8),
		Payload: body, Data: m.data, High: m.high, TTL: m.ttl, CollapseID: m.collapseKey,
	}
}
