package push

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// catalogue reads a built-in file as a translator sees it.
func catalogue(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := builtinWords.ReadFile("words/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]string
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(name, err)
	}
	return out
}

// Every built-in language says all of it, with the same places to fill.
func TestLanguagesAreComplete(t *testing.T) {
	t.Parallel()
	model := catalogue(t, "en.json")
	files, err := builtinWords.ReadDir("words")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		words := catalogue(t, f.Name())
		if diff := cmp.Diff(slices.Sorted(maps.Keys(model)), slices.Sorted(maps.Keys(words))); diff != "" {
			t.Errorf("%s has other keys than en.json: %s", f.Name(), diff)
		}
		for key, text := range words {
			want, err1 := parsePhrase(model[key])
			got, err2 := parsePhrase(text)
			if err1 != nil || err2 != nil {
				t.Fatal(key, err1, err2)
			}
			if diff := cmp.Diff(want.places(), got.places()); diff != "" {
				t.Errorf("%s: %q fills other places: %s", f.Name(), key, diff)
			}
			if _, err := parseKnown(key, text, BuiltinWords().In("en").phrases); err != nil {
				t.Errorf("%s: %q %v", f.Name(), key, err)
			}
		}
	}
}

// The nearest language there is: from the special to the general, the device
// before the person, English at last.
func TestNearestLanguage(t *testing.T) {
	t.Parallel()
	w, err := LoadWords(fstest.MapFS{"de-CH.json": {Data: []byte(`{"digest.one": "1 offene Störung"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	for want, locales := range map[string][][]string{
		"de":    {{"de"}, {"de-AT"}, {"de-DE-u-co-phonebk"}, {"", "de"}, {"fr", "de-AT"}, {"!!", "de"}, {strings.Repeat("x", 200), "de"}},
		"es":    {{"es"}, {"es-419"}, {"es-MX", "de"}},
		"de-CH": {{"de-CH"}},
		"en":    {nil, {""}, {"en-GB"}, {"fr"}, {"ja", "zh-Hant"}, {"not a tag"}},
	} {
		for _, l := range locales {
			for range 2 { // the second time from memory
				if got := w.In(l...).Tag(); got != want {
					t.Errorf("%q speaks %s, want %s", l, got, want)
				}
			}
		}
	}
	swiss := w.In("de-CH")
	if one, many := swiss.Say("digest.one"), swiss.Say("digest.many", "count", "3"); one != "1 offene Störung" || many != "3 offene Vorfälle" {
		t.Errorf("Swiss German says %q and %q; what a file lacks is said in German", one, many)
	}
}

func TestKnownLocalesAreBounded(t *testing.T) {
	t.Parallel()
	w := BuiltinWords()
	for i := range 2 * maxKnownLocales {
		w.In("de-x-" + itoa(int64(i)))
	}
	n := 0
	w.known.Range(func(any, any) bool { n++; return true })
	if n > maxKnownLocales {
		t.Errorf("%d locales are remembered", n)
	}
}

func TestOperatorsLanguages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, text, want string }{
		"a language":         {"fr.json", `{"digest.one": "1 incident ouvert"}`, ""},
		"twelve hours":       {"en.json", `{"clock": "3:04 PM"}`, ""},
		"an unknown key":     {"fr.json", `{"digets.one": "1"}`, `fr.json: "digets.one" is no phrase of ours`},
		"an unknown place":   {"fr.json", `{"digest.many": "{cuont}"}`, `fr.json: "digest.many" has the place {cuont}; it may use [count]`},
		"an open brace":      {"fr.json", `{"digest.many": "{count"}`, "begin a {place}"},
		"a closed brace":     {"fr.json", `{"digest.many": "count}"}`, "without its {"},
		"nothing":            {"fr.json", `{"digest.many": " "}`, "one line"},
		"two lines":          {"fr.json", `{"digest.many": "a\nb"}`, "one line"},
		"a strange clock":    {"fr.json", `{"clock": "noon"}`, `must be "15:04"`},
		"no tag":             {"my words.json", `{}`, "my words.json: the name is no language tag"},
		"no object":          {"fr.json", `["a"]`, "not a JSON object of texts"},
		"two objects":        {"fr.json", `{} {}`, "something follows"},
		"a number":           {"fr.json", `{"digest.one": 1}`, "not a JSON object of texts"},
		"more than any file": {"fr.json", strings.Repeat(" ", maxWordsFile+1), "a catalogue has at most"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadWords(fstest.MapFS{c.file: {Data: []byte(c.text)}, "README.md": {Data: []byte("hello")}})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("says %v, want %q", err, c.want)
			}
		})
	}
}

func TestTimesInTheirForm(t *testing.T) {
	t.Parallel()
	w, err := LoadWords(fstest.MapFS{"en-US.json": {Data: []byte(`{"clock": "3:04 PM"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	var z zones
	madrid, at := z.find("Europe/Madrid"), time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{w.In("en").Clock(at, nil), "23:30 UTC"},
		{w.In("de").Clock(at, madrid), "00:30"},
		{w.In("en-US").Clock(at, madrid), "12:30 AM"},
		{w.In("en").Moment(at, nil), "Sun 23:30 UTC"},
		{w.In("de").Moment(at, madrid), "Mo 00:30"},
		{w.In("es").Moment(at, madrid), "lun 00:30"},
		{w.In("es").Clock(time.Time{}, nil), ""},
	} {
		if c.got != c.want {
			t.Errorf("writes %q, want %q", c.got, c.want)
		}
	}
}

// FuzzWords: whatever an operator's file holds, it is refused with a sentence
// or gives phrases that can be said.
func FuzzWords(f *testing.F) {
	f.Add("fr", `{"digest.many": "{count} incidents"}`)
	f.Add("de-AT", `{"clock": "3:04 PM", "notice.other": "{"}`)
	f.Fuzz(func(t *testing.T, tag, text string) {
		if strings.ContainsAny(tag, "/\\") {
			return
		}
		w, err := LoadWords(fstest.MapFS{tag + ".json": {Data: []byte(text)}})
		if err != nil {
			return
		}
		if got := w.In(tag).Say("digest.many", "count", "3"); got == "" && !strings.Contains(text, "digest.many") {
			t.Errorf("%q leaves nothing to say", text)
		}
	})
}
