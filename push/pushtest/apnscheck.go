package pushtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const apnsPayloadLimit = 4096

// apnsPush is a request to APNs that passed every check.
type apnsPush struct {
	token, topic, id, pushType, collapseID string
	priority                               int
	expiration                             string
	payload                                []byte
}

// knownHeaders are the apns- headers there are; a misspelled one is silently
// without effect at Apple, so it is refused here.
var knownHeaders = map[string]bool{
	"apns-id": true, "apns-topic": true, "apns-push-type": true, "apns-priority": true,
	"apns-expiration": true, "apns-collapse-id": true,
}

// suffixes are what each push type appends to the bundle id (nil: nothing),
// and so also the list of push types.
var suffixes = map[string]string{
	"alert": "", "background": "", "mdm": "", "voip": ".voip", "complication": ".complication",
	"fileprovider": ".pushkit.fileprovider", "liveactivity": ".push-type.liveactivity",
	"location": ".location-query", "pushtotalk": ".voip-ptt", "widgets": ".push-type.widgets", "controls": ".push-type.controls",
}

// checkPath finds the device token.
func checkPath(c *call) (string, *refusal) {
	if c.method != http.MethodPost {
		return "", refuse(405, "MethodNotAllowed", "pushes are sent with POST, not %s", c.method)
	}
	token, ok := strings.CutPrefix(c.path, "/3/device/")
	switch {
	case !ok:
		return "", refuse(404, "BadPath", "the path must be /3/device/<token>")
	case token == "":
		return "", refuse(400, "MissingDeviceToken", "there is no device token in the path")
	case strings.ContainsAny(token, "/?%#"):
		return "", refuse(404, "BadPath", "what follows /3/device/ is not a token")
	case !isHex(token) || len(token) > 400:
		return "", refuse(400, "BadDeviceToken", "the device token must be hexadecimal digits, an even number of them")
	}
	return strings.ToLower(token), nil
}

func isHex(s string) bool {
	for _, r := range s {
		if !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return false
		}
	}
	return len(s)%2 == 0
}

// checkHeaders reads and judges the apns- headers.
func (p *apnsPush) checkHeaders(c *call) *refusal {
	for _, f := range c.fields {
		if !strings.HasPrefix(f.Name, "apns-") {
			continue
		}
		if !knownHeaders[f.Name] {
			return refuse(400, ReasonStrict, "there is no header %s; APNs would ignore it", f.Name)
		}
		if _, times := c.header(f.Name); times > 1 {
			return refuse(400, "DuplicateHeaders", "%s was sent %d times", f.Name, times)
		}
	}
	for _, check := range []func(*call) *refusal{p.readID, p.readType, p.readTopic, p.readPriority, p.readExpiration, p.readCollapse} {
		if no := check(c); no != nil {
			return no
		}
	}
	return nil
}

func (p *apnsPush) readID(c *call) *refusal {
	id, times := c.header("apns-id")
	if times > 0 && !isLowerUUID(id) {
		return refuse(400, "BadMessageId", "apns-id %q is not a lower-case UUID (8-4-4-4-12)", id)
	}
	p.id = id
	return nil
}

func isLowerUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (r == '-') {
			return false
		} else if !dash && !strings.ContainsRune("0123456789abcdef", r) {
			return false
		}
	}
	return true
}

func (p *apnsPush) readType(c *call) *refusal {
	t, times := c.header("apns-push-type")
	if _, known := suffixes[t]; times == 0 || !known {
		return refuse(400, "InvalidPushType", "apns-push-type %q is none of Apple's; it is required, usually alert or background", t)
	}
	p.pushType = t
	return nil
}

func (p *apnsPush) readTopic(c *call) *refusal {
	topic, times := c.header("apns-topic")
	if times == 0 || topic == "" {
		return refuse(400, "MissingTopic", "there is no apns-topic; send the app's bundle id")
	}
	p.topic = topic
	return nil
}

func (p *apnsPush) readPriority(c *call) *refusal {
	v, times := c.header("apns-priority")
	switch {
	case times == 0:
		p.priority = 10
	case v == "10" || v == "5" || v == "1":
		p.priority, _ = strconv.Atoi(v)
	default:
		return refuse(400, "BadPriority", "apns-priority %q is none of 10, 5 and 1", v)
	}
	if p.pushType == "background" && p.priority == 10 {
		return refuse(400, "BadPriority", "a background push must have priority 5 or 1")
	}
	return nil
}

func (p *apnsPush) readExpiration(c *call) *refusal {
	v, times := c.header("apns-expiration")
	if times > 0 {
		n, err := strconv.ParseUint(v, 10, 63)
		if err != nil {
			return refuse(400, "BadExpirationDate", "apns-expiration %q is not a number of seconds since 1970", v)
		}
		if n > uint64(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).Unix()) {
			return refuse(400, "BadExpirationDate", "apns-expiration %q looks like milliseconds; it is in seconds", v)
		}
	}
	p.expiration = v
	return nil
}

func (p *apnsPush) readCollapse(c *call) *refusal {
	v, _ := c.header("apns-collapse-id")
	if len(v) > 64 {
		return refuse(400, "BadCollapseId", "apns-collapse-id has %d bytes; 64 are allowed", len(v))
	}
	p.collapseID = v
	return nil
}

// checkTopic judges whether the team behind the token may push to the topic.
func (e *Emulator) checkTopic(p *apnsPush, team string) (bundle string, no *refusal) {
	suffix := suffixes[p.pushType]
	bundle, ok := strings.CutSuffix(p.topic, suffix)
	if !ok {
		return "", refuse(400, "BadTopic", "the topic of a %s push ends with %s", p.pushType, suffix)
	}
	e.mu.RLock()
	owner, known := e.topics[bundle]
	e.mu.RUnlock()
	switch {
	case !known:
		return "", refuse(400, "BadTopic", "no app has the bundle id %q here; register it first", bundle)
	case owner != team:
		return "", refuse(400, "TopicDisallowed", "%q belongs to another team", bundle)
	}
	return bundle, nil
}

// checkPayload judges the body against the push type.
func (p *apnsPush) checkPayload(c *call) *refusal {
	limit := apnsPayloadLimit
	if p.pushType == "voip" {
		limit = 5120
	}
	switch {
	case len(c.body) == 0:
		return refuse(400, "PayloadEmpty", "there is no payload")
	case c.overlong || len(c.body) > limit:
		return refuse(413, "PayloadTooLarge", "the payload has %d bytes; %d are allowed", len(c.body), limit)
	}
	var payload struct {
		APS json.RawMessage `json:"aps"`
	}
	if err := json.Unmarshal(c.body, &payload); err != nil {
		return refuse(400, ReasonStrict, "the payload is not a JSON object: %v", err)
	}
	var aps struct {
		Alert            json.RawMessage `json:"alert"`
		ContentAvailable json.RawMessage `json:"content-available"`
	}
	if !isObject(payload.APS) || json.Unmarshal(payload.APS, &aps) != nil {
		return refuse(400, ReasonStrict, "the payload has no aps object; the phone would show nothing")
	}
	alert := len(aps.Alert) > 0 && !bytes.Equal(aps.Alert, []byte("null"))
	silent := string(aps.ContentAvailable) == "1"
	switch {
	case p.pushType == "alert" && !alert:
		return refuse(400, ReasonStrict, "an alert push needs aps.alert; the phone would show nothing")
	case p.pushType == "background" && !silent:
		return refuse(400, ReasonStrict, "a background push needs aps.content-available: 1; the app would not wake")
	case p.pushType == "background" && alert:
		return refuse(400, ReasonStrict, "a background push has no aps.alert; send it as alert")
	}
	p.payload = c.body
	return p.checkActivity(payload.APS)
}
