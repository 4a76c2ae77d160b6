package push

// webOverhead is what encryption adds to a browser's payload: the header of
// aes128gcm with our key (86), the tag (16) and the delimiter (1). RFC 8291, 4.
const webOverhead = 103

// webPayload is the JSON a service worker gets, after decryption. The outer
// names are those of the web's NotificationOptions, so that a worker can hand
// them on as they are; "nightbell" is the same object as the iPhone's.
type webPayload struct {
	Title string `json:"title"`
	Body  string `json:"body"`
	// Tag replaces the shown notification of the same incident.
	Tag string `json:"tag,omitempty"`
	// Renotify makes a page that replaces one ring again.
	Renotify bool `json:"renotify"`
	// RequireInteraction keeps a page on the screen until somebody answers.
	RequireInteraction bool `json:"requireInteraction"`
	Silent             bool `json:"silent"`
	// Timestamp is in milliseconds, as the web counts.
	Timestamp int64       `json:"timestamp,omitempty"`
	Actions   []webAction `json:"actions,omitempty"`
	Nightbell facts       `json:"nightbell"`
}

// webAction is a button. Its token is in nightbell.actions under its name.
type webAction struct {
	Action string `json:"action"`
	Title  string `json:"title"`
}

// web writes the payload, at most limit bytes when encrypted, unless the ids
// and tokens alone are more. Every push must show something, or browsers take
// the permission away: a settle replaces, silently.
func (n *note) web(limit int) []byte {
	p := n.webPayload()
	out := encode(&p)
	size := func() int { out = encode(&p); return len(out) + webOverhead }
	if len(out)+webOverhead > limit {
		nb := &p.Nightbell
		shrink(limit, size, &p.Body, &nb.Service, &p.Title, &nb.By, &nb.ChangedAt)
		out = encode(&p)
	}
	return out
}

func (n *note) webPayload() webPayload {
	quiet := n.level == levelPassive || n.level == levelSilent
	if n.text.title == "" { // a probe: the web knows no push that shows nothing
		n.text = n.speaks.test(About{})
	}
	p := webPayload{
		Title: n.text.title, Body: webBody(n.text), Tag: n.collapseID,
		Renotify: !quiet && n.collapseID != "", RequireInteraction: rings(&n.job.Delivery), Silent: quiet,
		Nightbell: n.facts(),
	}
	if at := n.job.Content.ChangedAt; !at.IsZero() {
		p.Timestamp = at.UnixMilli()
	}
	if n.buttons.acknowledge != "" {
		p.Actions = append(p.Actions, webAction{actionAcknowledge, n.speaks.Say("action.acknowledge")})
	}
	if n.buttons.resolve != "" {
		p.Actions = append(p.Actions, webAction{actionResolve, n.speaks.Say("action.resolve")})
	}
	return p
}

// webBody: the web knows no subtitle, so the service opens the body.
func webBody(w wording) string {
	switch {
	case w.subtitle == "":
		return w.body
	case w.body == "":
		return w.subtitle
	default:
		return w.subtitle + "\n" + w.body
	}
}
