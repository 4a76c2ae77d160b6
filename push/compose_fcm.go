package push

import "strconv"

// data writes the map an Android phone gets: data only, because FCM cannot
// draw buttons; the app renders it. The keys are those of the iPhone's
// "nightbell" object, flat, and all values are strings (FCM allows no other).
func (n *note) data(limit int) map[string]string {
	m := n.flat()
	if n.level == levelSilent {
		return m
	}
	text, by := n.text, n.by
	fill := func() int {
		put(m, "title", text.title)
		put(m, "subtitle", text.subtitle)
		put(m, "body", text.body)
		put(m, "by", by)
		return dataSize(m)
	}
	if size := fill(); n.sealed != nil {
		put(m, "sealed", n.seal(limit-size-len("sealed")))
		put(m, "privacy", string(n.privacy()))
	}
	if fill() > limit {
		shrink(limit, fill, &text.body, &text.subtitle, &text.title, &by)
		fill()
	}
	return m
}

// flat is everything but the words.
func (n *note) flat() map[string]string {
	d, t := &n.job.Delivery, &n.job.Content
	m := make(map[string]string, 28) // a page has 24 to 28; a map for more takes twice the memory
	put(m, "kind", string(d.Kind))
	put(m, "delivery_id", d.ID)
	put(m, "device_id", d.DeviceID)
	put(m, "server", n.server)
	put(m, "expires_at", when(d.ExpiresAt))
	if d.IncidentID != "" {
		put(m, "incident_id", d.IncidentID)
		put(m, "number", itoa(t.Number))
		put(m, "revision", itoa(n.revision))
		put(m, "severity", string(t.Severity))
		put(m, "urgency", string(t.Urgency))
		put(m, "status", string(t.Status))
		put(m, "changed_at", when(t.ChangedAt))
		flag(m, "reassigned", t.Reassigned)
	}
	if a := d.About; a != nil {
		put(m, "topic", a.Topic)
		put(m, "at", when(a.At))
		flag(m, "loud", a.Loud)
		if a.Count > 0 {
			put(m, "count", strconv.Itoa(a.Count))
		}
	}
	n.manners(m)
	return m
}

// manners say how the app shall show it.
func (n *note) manners(m map[string]string) {
	put(m, "privacy", string(n.privacy()))
	put(m, "level", string(n.level))
	put(m, "channel", n.level.channel())
	put(m, "collapse_id", n.collapseID)
	flag(m, "bypass_dnd", n.level == levelCritical)
	flag(m, "full_screen", (n.level == levelCritical || n.level == levelUrgent) && n.job.Device.Capabilities.FullScreenIntent != No)
	if n.badge >= 0 {
		put(m, "badge", strconv.Itoa(n.badge))
	}
	if n.buttons.none() {
		return
	}
	put(m, "category", n.category())
	put(m, "unlock", n.unlock())
	put(m, "action_titles", n.actionTitles())
	if n.sealed == nil {
		put(m, "action_acknowledge", n.buttons.acknowledge)
		put(m, "action_resolve", n.buttons.resolve)
	}
}

func flag(m map[string]string, key string, on bool) {
	if on {
		m[key] = "true"
	}
}

// put sets a value; an empty one is left out.
func put(m map[string]string, key, value string) {
	if value == "" {
		delete(m, key)
		return
	}
	m[key] = value
}

// dataSize is what FCM counts: keys and values.
func dataSize(m map[string]string) int {
	n := 0
	for k, v := range m {
		n += len(k) + len(v)
	}
	return n
}
