package api

import (
	"math"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
)

// What JSON allows and our two readers, the contract and the decoder, would
// understand differently is refused: an answer of 500 is a fault of ours.
func TestUntidyBodiesAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	d := h.delivered()
	register := `{"platform":"ios","provider":"apns","token":"` + appleToken + `"`
	at := func(moment string) string {
		return `{"receipts":[{"delivery_id":"` + d.ID + `","event":"displayed","at":"` + moment + `"}]}`
	}
	for _, c := range []struct{ name, method, target, body, code, field string }{
		{"a field twice, the first of another type", "POST", "/v1/devices", `{"token":5,` + register[1:] + `}`, "repeated_field", "token"},
		{"a field twice, spelled otherwise", "POST", "/v1/devices", register + `,"\u0074oken":"x"}`, "repeated_field", "token"},
		{"a field twice within a list", "PUT", "/v1/notification-rules", `{"items":[{"urgency":"high","method":"push"},{"urgency":"low","method":"push","urgency":"high"}]}`, "repeated_field", "items.1.urgency"},
		{"1.0", "PUT", "/v1/notification-rules", `{"items":[{"urgency":"high","method":"push","delay_seconds":1.0}]}`, "wrong_type", "items.delay_seconds"},
		{"1e2", "PUT", "/v1/notification-rules", `{"items":[{"urgency":"high","method":"push","delay_seconds":1e2}]}`, "wrong_type", "items.0.delay_seconds"},
		{"1e999999", "PUT", "/v1/notification-rules", `{"items":[{"urgency":"high","method":"push","delay_seconds":1e999999}]}`, "wrong_type", "items.0.delay_seconds"},
		{"many digits", "PUT", "/v1/notification-rules", `{"items":[{"urgency":"high","method":"push","delay_seconds":` + strings.Repeat("9", 100_000) + `}]}`, "wrong_type", "items.0.delay_seconds"},
		{"nested without end", "POST", "/v1/actions", strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000), "bad_value", strings.Repeat("a.", 31) + "a"},
		{"lists without end", "POST", "/v1/actions", strings.Repeat(`[`, 9000), "bad_value", strings.Repeat("0.", 31) + "0"},
		{"no UTF-8", "POST", "/v1/devices", register + ",\"name\":\"\xff\"}", "bad_encoding", ""},
		{"half a list", "POST", "/v1/actions", `{"token":[1`, "invalid_json", ""},
		{"closed twice", "POST", "/v1/actions", `{}}`, "invalid_json", ""},
		{"a leap second", "POST", "/v1/receipts", at("2026-06-30T23:59:60Z"), "bad_value", "receipts.0.at"},
		{"small letters", "POST", "/v1/receipts", at("2026-03-29t04:14:03z"), "bad_value", "receipts.0.at"},
		{"the year 10000 in Greenwich", "POST", "/v1/receipts", at("9999-12-31T23:59:59-23:59"), "bad_value", "receipts.0.at"},
		{"before the year 1 in Greenwich", "POST", "/v1/receipts", at("0001-01-01T00:00:00+00:01"), "bad_value", "receipts.0.at"},
		{"the year 0", "GET", "/v1/deliveries?user_id=me&since=0000-01-01T00:00:00Z", "", "bad_value", "since"},
		{"a leap second in the address", "GET", "/v1/deliveries?user_id=me&since=2026-06-30T23:59:60Z", "", "bad_value", "since"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.do(t, "ana", c.method, c.target, c.body).problem(400, c.code, c.field)
		})
	}
	if n := len(h.desk.reports); n != 0 {
		t.Errorf("%d reports reached the desk", n)
	}
	h.do(t, "ana", "POST", "/v1/receipts", at("2026-03-29T04:14:03.123456789+23:59")).into(200, nil)
}

// Judging a body must cost no more than reading it: a megabyte of numbers with
// large exponents, or of nesting with long names, would hold a core for minutes.
// So the first of them ends it, before the contract is asked.
func TestJudgingEndsAtTheFirstUntidiness(t *testing.T) {
	t.Parallel()
	h := open(t)
	long := strings.Repeat("a", 90)
	for _, c := range []struct{ name, body, code, field string }{
		{"exponents", `{"items":[` + strings.Repeat(`{"delay_seconds":1e999999},`, 30_000) + `1]}`, "wrong_type", "items.0.delay_seconds"},
		{"deep names", strings.Repeat(`{"`+long+`":`, 9_000) + "1" + strings.Repeat("}", 9_000), "bad_value", strings.Repeat(long+".", 32)[:maxField]},
	} {
		p := h.do(t, "ana", "PUT", "/v1/notification-rules", c.body).problem(400, c.code, c.field)
		if len(p.Errors) != 0 {
			t.Errorf("%s: the contract was asked too: %+v", c.name, p.Errors)
		}
	}
}

// A name in the path is text, or it leads nowhere.
func TestPathsAreText(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, at := range []string{"/v1/push/holds/apns/a%00b", "/v1/push/apps/apns/a%ffb", "/v1/devices/" + id.New(id.Device) + "%00"} {
		h.do(t, "oda", "DELETE", at, "").problem(404, "no_such_path", "")
	}
}

// A cursor is no secret, so its content may be anybody's: what no database can
// look for is refused before it is asked.
func TestForgedCursorsAreRefused(t *testing.T) {
	t.Parallel()
	for _, p := range []place{{id: "a\x00b"}, {id: "\xff"}, {at: math.MaxInt64}, {at: math.MinInt64}} {
		if _, err := readCursor("list", cursor("list", p)); !fault.Is(err, "bad_cursor") {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, p := range []place{{at: night.UnixMicro(), id: "inc_1"}, {at: 7}, {}} {
		if got, err := readCursor("list", cursor("list", p)); err != nil || got != p {
			t.Errorf("%+v became %+v: %v", p, got, err)
		}
	}
}
