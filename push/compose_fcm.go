package push

// data writes the map an Android phone gets: data only, because FCM cannot
// draw buttons; the app renders it. The keys are those of the iPhone's
// "nightbell" object, flat, and all values are strings (FCM allows no other).
func (n note) data(limit int) map[string]string {
	m := n.flat()
	text, by := n.text, n.by
	fill := func() int {
		put(m, "title", text.title)
		put(m, "subtitle", text.subtitle)
		put(m, "body", text.body)
		put(m, "by", by)
		return dataSize(m)
	}
	if fill() > limit {
		shrink(limit, fill, &text.body, &text.subtitle, &text.title, &by)
		fill()
	}
	return m
}

// flat is everything but the words.
func (n note) flat() map[string]string {
	d, t := n.job.Delivery, n.job.Content
	m := make(map[string]string, 24)
	put(m, "kind", string(d.Kind))
	put(m, "incident_id", d.IncidentID)
	put(m, "number", itoa(t.Number))
	put(m, "revision", itoa(n.revision))
	put(m, "delivery_id", d.ID)
	put(m, "device_id", d.DeviceID)
	put(m, "severity", string(t.Severity))
	put(m, "urgency", string(t.Urgency))
	put(m, "status", string(t.Status))
	put(m, "level", string(n.level))
	put(m, "server", n.server)
	put(m, "collapse_id", n.collapseID)
	put(m, "category", n.category())
	put(m, "changed_at", when(t.ChangedAt))
	put(m, "expires_at", when(d.ExpiresAt))
	put(m, "action_acknowledge", n.acknowledge)
	put(m, "action_resolve", n.resolve)
	if t.Reassigned {
		put(m, "reassigned", "true")
	}
	return m
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
