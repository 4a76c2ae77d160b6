package realtime_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/realtime"
)

// What docs/realtime.md shows is what the code speaks: every example is read
// with the real types and, written again, says the same.
func TestTheDocumentsFramesAreReal(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, example := range regexp.MustCompile("(?s)```json (client|server)\n(.*?)\n```").FindAllStringSubmatch(document(t), -1) {
		side, raw := example[1], strings.ReplaceAll(example[2], "…", "")
		var frame any
		var err error
		if side == "client" {
			frame, err = realtime.DecodeClient([]byte(raw))
		} else {
			frame, err = decodeServer([]byte(raw))
		}
		if err != nil {
			t.Errorf("%s example %s: %v", side, raw, err)
			continue
		}
		if again := compact(t, frame); !sameJSON(t, again, []byte(raw)) {
			t.Errorf("the %s example\n%s\nis written as\n%s", side, raw, again)
		}
		var fields map[string]json.RawMessage
		_ = json.Unmarshal([]byte(raw), &fields)
		for name := range fields {
			seen[side+" "+name] = true
		}
	}
	for _, want := range []string{
		"client hello", "client ack", "client token", "client pong", "client do",
		"server welcome", "server events", "server reset", "server token", "server ping", "server done",
	} {
		if !seen[want] {
			t.Errorf("no example of %s", want)
		}
	}
}

func decodeServer(raw []byte) (realtime.ServerFrame, error) {
	var f realtime.ServerFrame
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return f, d.Decode(&f)
}

func document(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/realtime.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func compact(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		t.Fatalf("not JSON: %s or %s", a, b)
	}
	return bytes.Equal(compact(t, x), compact(t, y))
}

func TestTheDocumentsCloseCodesAreReal(t *testing.T) {
	t.Parallel()
	var got []string
	for _, row := range regexp.MustCompile(`(?m)^\| (4\d\d\d) \|`).FindAllStringSubmatch(document(t), -1) {
		got = append(got, row[1])
	}
	want := []string{}
	for _, code := range []int{
		realtime.CloseDrain, realtime.CloseSlow, realtime.CloseTokenExpired, realtime.CloseHeartbeat, realtime.CloseOverloaded,
		realtime.CloseProtocol, realtime.CloseBadToken, realtime.CloseForbidden, realtime.CloseReplaced,
	} {
		want = append(want, strconv.Itoa(code))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the table has %v, the code has %v", got, want)
	}
}
