package demo

import (
	"fmt"
	"strings"

	"github.com/nightbell/nightbell/setup"
)

// banner says what runs, how to ring a phone and how to stop.
func (d *Demo) banner() string {
	i := ink(d.cfg.Color)
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %s %s\n", i.paint(dim, fmt.Sprintf("%-9s", label)), fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "\n  %s\n\n", i.paint(bold, "Nightbell is up, with two stand-in phones."))
	line("server", "%s", d.node.URL())
	for n, p := range people {
		what := "on call now"
		if n > 0 {
			what = fmt.Sprintf("rings after %s if nobody acknowledges", d.delay)
		}
		line("", "%s: %s, password %s (%s)", p.phone, p.email, setup.DemoPassword, what)
	}
	line("emulator", "%s (stands in for APNs and FCM)", d.emulator.ControlURL())
	if d.cfg.Data == "" {
		line("data", "temporary, removed at the end; --data DIR keeps it")
	} else {
		line("data", "%s", d.cfg.Data)
	}
	fmt.Fprintf(&b, "\n  %s\n\n    %s\n", i.paint(bold, "Ring a phone, from another terminal:"), eventCurl(d.node.URL(), "trigger"))
	fmt.Fprintf(&b, "\n  The phones appear below, each button with its curl. The end of the trouble:\n\n    %s\n", eventCurl(d.node.URL(), "resolve"))
	fmt.Fprintf(&b, "\n  %s\n", i.paint(dim, "Ctrl-C stops."))
	return b.String()
}

// eventCurl sends an event as monitoring tools do (Events API v2).
func eventCurl(server, action string) string {
	payload := ""
	if action == "trigger" {
		payload = `,"payload":{"summary":"Checkout error rate at 12 %","source":"shop-1","severity":"critical"}`
	}
	return fmt.Sprintf(`curl -s %s/v2/enqueue -H 'Content-Type: application/json' -d '{"routing_key":"%s","event_action":"%s","dedup_key":"checkout-errors"%s}'`,
		server, setup.DemoRoutingKey, action, payload)
}
