package pushtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// kind is the shape of a field in FCM's JSON.
type kind int

const (
	anyValue kind = iota
	text
	flag
	number
	object     // with the schema's own fields
	textMap    // string to string
	freeObject // passed on to the platform
	list
)

// shape is one field: what it holds, and the fields within.
type shape struct {
	kind   kind
	fields schema
}

// schema is a message type of FCM's HTTP v1 reference, by snake_case name; the
// lowerCamelCase spelling is accepted too, as by every Google API.
type schema map[string]shape

var (
	sText = shape{kind: text}
	sFlag = shape{kind: flag}
	sNum  = shape{kind: number}
	sList = shape{kind: list}
	sMap  = shape{kind: textMap}
	sFree = shape{kind: freeObject}
)

func in(fields schema) shape { return shape{kind: object, fields: fields} }

var analytics = in(schema{"analytics_label": sText})

var sendRequest = schema{
	"validate_only": sFlag,
	"message": in(schema{
		"name": sText, "data": sMap, "token": sText, "topic": sText, "condition": sText, "fid": sText,
		"fcm_options":  analytics,
		"notification": in(schema{"title": sText, "body": sText, "image": sText}),
		"android": in(schema{
			"collapse_key": sText, "priority": sText, "ttl": sText, "restricted_package_name": sText, "data": sMap,
			"fcm_options": analytics, "direct_boot_ok": sFlag, "bandwidth_constrained_ok": sFlag, "restricted_satellite_ok": sFlag,
			"notification": in(androidNotification),
		}),
		"webpush": in(schema{
			"headers": sMap, "data": sMap, "notification": sFree,
			"fcm_options": in(schema{"link": sText, "analytics_label": sText}),
		}),
		"apns": in(schema{
			"headers": sMap, "payload": sFree, "live_activity_token": sText,
			"fcm_options": in(schema{"analytics_label": sText, "image": sText}),
		}),
	}),
}

var androidNotification = schema{
	"title": sText, "body": sText, "icon": sText, "color": sText, "sound": sText, "tag": sText, "click_action": sText,
	"body_loc_key": sText, "body_loc_args": sList, "title_loc_key": sText, "title_loc_args": sList, "channel_id": sText,
	"ticker": sText, "sticky": sFlag, "event_time": sText, "local_only": sFlag, "notification_priority": sText,
	"default_sound": sFlag, "default_vibrate_timings": sFlag, "default_light_settings": sFlag, "vibrate_timings": sList,
	"visibility": sText, "notification_count": sNum, "light_settings": sFree, "image": sText, "proxy": sText,
	"bypass_proxy_notification": sFlag,
}

// check compares a decoded object with the schema, renames its fields to
// snake_case and gives every violation, in the order of the names.
func (s schema) check(path string, o map[string]any) []violation {
	var bad []violation
	for _, name := range slices.Sorted(maps.Keys(o)) {
		value := o[name]
		plainName := snake(name)
		sh, ok := s[plainName]
		if _, twice := o[plainName]; !ok || (twice && plainName != name) {
			bad = append(bad, violation{path, fmt.Sprintf("Invalid JSON payload received. Unknown name %q%s: Cannot find field.", name, at(path))})
			continue
		}
		if plainName != name {
			delete(o, name)
			o[plainName] = value
		}
		bad = append(bad, sh.check(join(path, plainName), value)...)
	}
	return bad
}

func (s shape) check(path string, value any) []violation {
	if value == nil {
		return nil // null is "not set"
	}
	ok := true
	switch s.kind {
	case text:
		_, ok = value.(string)
	case flag:
		_, ok = value.(bool)
	case number:
		_, ok = value.(float64)
	case list:
		_, ok = value.([]any)
	case freeObject:
		_, ok = value.(map[string]any)
	case object:
		var o map[string]any
		if o, ok = value.(map[string]any); ok {
			return s.fields.check(path, o)
		}
	case textMap:
		var o map[string]any
		if o, ok = value.(map[string]any); ok {
			return checkTexts(path, o)
		}
	}
	if !ok {
		return []violation{{path, fmt.Sprintf("Invalid value%s: %T is not what the field holds", at(path), value)}}
	}
	return nil
}

func checkTexts(path string, o map[string]any) []violation {
	var bad []violation
	for _, k := range slices.Sorted(maps.Keys(o)) {
		if _, ok := o[k].(string); !ok {
			bad = append(bad, violation{path + "[" + k + "].value", fmt.Sprintf("Invalid value%s (TYPE_STRING), %v", at(path), o[k])})
		}
	}
	return bad
}

func at(path string) string {
	if path == "" {
		return ""
	}
	return " at '" + path + "'"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// snake turns lowerCamelCase into snake_case; other names stay as they are.
func snake(name string) string {
	if strings.IndexFunc(name, unicode.IsUpper) < 0 {
		return name
	}
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
