package webpush

import (
	"strings"
	"testing"

	"github.com/nightbell/nightbell/fault"
)

func hosts(t testing.TB, extra ...string) Hosts {
	t.Helper()
	h, err := ParseHosts(extra)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	h := hosts(t, "push.example.com", "*.unified.example.org", "10.0.0.7:8443", "localhost:9000")
	for endpoint, want := range map[string]string{
		"https://fcm.googleapis.com/fcm/send/abc:APA91":             "",
		"https://updates.push.services.mozilla.com/wpush/v2/gAAA":   "",
		"https://push.services.mozilla.com/wpush/v2/gAAA":           "",
		"https://jmt17.google.com/fcm/send/abc:APA91":               "",
		"https://web.push.apple.com/QOXQ":                           "",
		"https://wns2-par02p.notify.windows.com/w/?token=BQYA%2bx":  "",
		"https://FCM.GoogleAPIs.com:443/fcm/send/x":                 "https://fcm.googleapis.com/fcm/send/x",
		"https://push.example.com/UP?x=1":                           "",
		"https://a.b.unified.example.org/x":                         "",
		"https://10.0.0.7:8443/x":                                   "",
		"https://localhost:9000/x":                                  "",
		"https://fcm.googleapis.com/%2e%2e/%2e%2e/x?u=https://a@b/": "",
		"HTTPS://fcm.googleapis.com/x":                              "https://fcm.googleapis.com/x",
	} {
		got, err := h.Check(endpoint)
		if want == "" {
			want = endpoint
		}
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", endpoint, got, err, want)
		}
	}
}

// What strangers may try to reach by our hand. The first is the one that
// ntfy's list lets through.
func TestEndpointsRefused(t *testing.T) {
	t.Parallel()
	h := hosts(t, "push.example.com", "*.unified.example.org")
	for _, endpoint := range []string{
		"https://127.0.0.1:8080/a.apple.com/",
		"https://127.0.0.1/fcm.googleapis.com",
		"https://10.0.0.1/",
		"https://169.254.169.254/latest/meta-data/",
		"https://[::1]/",
		"https://[::ffff:127.0.0.1]/",
		"https://[fe80::1%25eth0]/",
		"https://0x7f.1/",
		"https://0x7f000001/",
		"https://2130706433/",
		"https://127.1/",
		"https://localhost/",
		"http://fcm.googleapis.com/fcm/send/x",
		"ftp://fcm.googleapis.com/x",
		"//fcm.googleapis.com/x",
		"fcm.googleapis.com/x",
		"https:fcm.googleapis.com/x",
		"https:///fcm.googleapis.com/x",
		"https://user@fcm.googleapis.com/x",
		"https://user:password@fcm.googleapis.com/x",
		"https://fcm.googleapis.com@127.0.0.1/x",
		"https://fcm.googleapis.com:x@127.0.0.1/",
		"https://fcm.googleapis.com#@127.0.0.1/",
		"https://127.0.0.1#fcm.googleapis.com",
		"https://127.0.0.1?fcm.googleapis.com",
		"https://127.0.0.1\\fcm.googleapis.com/",
		"https://127.0.0.1\\@fcm.googleapis.com/",
		"https://fcm.googleapis.com/x#",
		"https://fcm.googleapis.com/x#y",
		"https://fcm.googleapis.com:8080/x",
		"https://fcm.googleapis.com:0443/x",
		"https://fcm.googleapis.com:/x",
		"https://fcm.googleapis.com:-1/x",
		"https://fcm.googleapis.com:99999999/x",
		"https://fcm.googleapis.com./x",
		"https://fcm.googleapis.com.evil.example/x",
		"https://evilfcm.googleapis.com/x",
		"https://x.fcm.googleapis.com/x",
		"https://push.apple.com/x",
		"https://evilpush.apple.com/x",
		"https://notify.windows.com/x",
		"https://notify.windows.com.evil.example/x",
		"https://.push.apple.com/x",
		"https://a..push.apple.com/x",
		"https://-a.push.apple.com/x",
		"https://a%2fpush.apple.com/x",
		"https://127.0.0.1%2f.push.apple.com/x",
		"https://127.0.0.1%00.push.apple.com/x",
		"https://xn--pple-43d.com/x",         // аpple.com with a Cyrillic letter
		"https://web.push.аpple.com/x",       // the same, unencoded
		"https://web。push。apple。com/x",       // full-width dots
		"https://ｗeb.push.apple.com/x",       // a full-width letter
		"https://web.push.apple.com\u200b/x", // a space without width
		"https://fcm.googleapis.com/x y",
		"https://fcm.googleapis.com/\r\nHost: 127.0.0.1",
		"https://fcm.googleapis.com\t/x",
		"https://unified.example.org/x",
		"https://push.example.com:8443/x",
		"https://sub.push.example.com/x",
		"https://",
		"https://:443/",
		"",
		"javascript:alert(1)",
		"https://fcm.googleapis.com/" + strings.Repeat("x", maxEndpoint),
		"https://" + strings.Repeat("a.", 200) + "push.apple.com/",
	} {
		got, err := h.Check(endpoint)
		if !fault.Is(err, "bad_endpoint") || got != "" {
			t.Errorf("%q: %q, %v; want it refused", endpoint, got, err)
		}
	}
}

func TestExtraHostsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "https://push.example.com", "push.example.com/", "*", "*.", "a b", "x:y", "x:0", "x:70000", "x:443:1", "[::1]:443", "push.*.com", "*.*.com", "пуш.example"} {
		if _, err := ParseHosts([]string{text}); !fault.Is(err, "bad_host") {
			t.Errorf("%q: %v, want it refused", text, err)
		}
	}
}

// FuzzEndpoint: whatever passes leads to an allowed host over TLS, and is kept
// in a spelling that passes again unchanged.
func FuzzEndpoint(f *testing.F) {
	for _, s := range []string{
		"https://fcm.googleapis.com/fcm/send/x", "https://127.0.0.1:8080/a.apple.com/", "https://a@web.push.apple.com:443/x?y#z",
		"https://x.notify.windows.com%2f/", "https://[::1]/", "HTTPS://WEB.PUSH.APPLE.COM./",
	} {
		f.Add(s)
	}
	h := hosts(f, "push.example.com:8443")
	f.Fuzz(func(t *testing.T, endpoint string) {
		to, err := h.parse(endpoint)
		if err != nil {
			if !fault.Is(err, "bad_endpoint") {
				t.Fatal(err)
			}
			return
		}
		host, port, ok := strings.Cut(to.address, ":")
		if !ok || !h.allows(host, port) || to.url.Scheme != "https" || to.url.User != nil || to.url.Fragment != "" || to.url.Host != strings.TrimPrefix(to.audience, "https://") {
			t.Fatalf("%q leads to %+v", endpoint, to)
		}
		again, err := h.Check(to.url.String())
		if err != nil || again != to.url.String() {
			t.Fatalf("%q is kept as %q, which is kept as %q (%v)", endpoint, to.url, again, err)
		}
	})
}
