package realtime

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/fault"
)

const someIncident = "inc_01J00000000000000000000000"

func TestEveryClientFrameSurvivesTheWire(t *testing.T) {
	t.Parallel()
	n, token := int64(840), "t"
	for _, want := range []ClientFrame{
		{Hello: &Hello{Token: "t"}},
		{Hello: &Hello{Token: "t", Device: "dev_01J00000000000000000000000", After: &n, Epoch: "k3", Filter: &Filter{Incident: someIncident}}},
		{Ack: &n}, {Pong: &n}, {Token: &token},
		{Do: &Do{ID: "k1", Action: "acknowledge", IncidentID: someIncident}},
	} {
		raw, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeClient(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s changed (-sent +read):\n%s", raw, diff)
		}
	}
}

func TestBadClientFramesAreNamed(t *testing.T) {
	t.Parallel()
	for raw, code := range map[string]string{
		``:                                   "bad_json",
		`null`:                               "bad_json",
		`[]`:                                 "bad_json",
		`{}`:                                 "bad_frame",
		`{"ack":null}`:                       "bad_frame",
		`{"ack":-1}`:                         "bad_cursor",
		`{"ack":1.5}`:                        "bad_type",
		`{"ack":99999999999999999999}`:       "bad_type",
		`{"token":""}`:                       "bad_token",
		`{"token":7}`:                        "bad_type",
		`{"hello":null}`:                     "bad_json",
		`{"hello":{}}`:                       "bad_token",
		`{"Hello":{"token":"t"}}`:            "unknown_field",
		`{"hello":{"token":"t","filter":1}}`: "bad_json",
		`{"hello":{"token":"t","filter":{"incident":"svc_01J00000000000000000000000"}}}`: "bad_id",
		`{"hello":{"token":"t","after":1,"epoch":""}}`:                                   "bad_epoch",
		`{"do":{}}`:         "bad_do",
		`{"do":{"id":"k"}}`: "bad_do",
		`{"do":{"acknowledge":"` + someIncident + `"}}`:                                        "bad_do",
		`{"do":{"id":"k","acknowledge":"42"}}`:                                                 "bad_id",
		`{"do":{"id":"` + strings.Repeat("k", 65) + `","acknowledge":"` + someIncident + `"}}`: "bad_do",
	} {
		_, err := DecodeClient([]byte(raw))
		if !fault.Is(err, code) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: got %v, want %s", raw, err, code)
		}
	}
}

// Whatever arrives: no panic, either one frame that can be sent again or a
// refusal whose words fit a close frame.
func FuzzDecodeClient(f *testing.F) {
	for _, seed := range []string{
		`{"hello":{"token":"t","after":811,"epoch":"k3","filter":{"incident":"` + someIncident + `"}}}`,
		`{"ack":840}`, `{"pong":1}`, `{"token":"x"}`, `{"do":{"id":"1","resolve":"` + someIncident + `"}}`,
		`{"hello":{"token":"t"},"ack":1}`, `{"ack":null}`, "{\"\xff\":1}", `{"x":{"x":{"x":[[[[]]]]}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		frame, err := DecodeClient(raw)
		if err != nil {
			var why *fault.Error
			if !errors.As(err, &why) || why.Message == "" {
				t.Fatalf("refused without a word: %v", err)
			}
			if frame != (ClientFrame{}) {
				t.Fatal("refused, and yet a frame")
			}
			if cut := trimReason(why.Message); len(cut) > reasonBytes || !strings.HasPrefix(why.Message, cut) {
				t.Fatalf("reason cut to %q", cut)
			}
			return
		}
		again, err := json.Marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		second, err := DecodeClient(again)
		if err != nil || cmp.Diff(frame, second) != "" {
			t.Fatalf("%s was read as %s and then not the same: %v", raw, again, err)
		}
	})
}

func TestReasonsAreCutBetweenRunes(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "short", strings.Repeat("a", 200), strings.Repeat("é", 100), "x" + strings.Repeat("€", 100), strings.Repeat("\xff", 200)} {
		got := trimReason(s)
		if len(got) > reasonBytes || !strings.HasPrefix(s, got) {
			t.Errorf("%q became %q", s, got)
		}
		if strings.ToValidUTF8(s, "") == s && strings.ToValidUTF8(got, "") != got {
			t.Errorf("%q was cut inside a rune", s)
		}
	}
}
