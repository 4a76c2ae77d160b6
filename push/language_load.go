package push

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"
)

//go:embed words/*.json
var builtinWords embed.FS

const (
	english = "en"
	// maxWordsFile and maxWordsFiles bound what an operator's directory may hold.
	maxWordsFile  = 64 << 10
	maxWordsFiles = 200
	// maxPhrase is longer than any phrase a phone could show.
	maxPhrase = 400
)

// BuiltinWords gives the languages that come with Nightbell.
func BuiltinWords() *Words {
	w, err := LoadWords(nil)
	if err != nil {
		panic("push: the built-in words do not load: " + err.Error()) // a test loads them
	}
	return w
}

// LoadWords gives the built-in languages and those of the operator's
// directory, nil for none: a file per language, named by its tag (fr.json,
// de-CH.json), a JSON object of phrases by key. A phrase that a file lacks is
// said in the next more general language, at last in English; a file of a
// built-in language replaces the phrases it names. Unknown keys and places are
// refused by name: each would be a phrase that nobody ever sees.
func LoadWords(more fs.FS) (*Words, error) {
	own, err := fs.Sub(builtinWords, "words")
	if err != nil {
		return nil, err
	}
	files, err := readWords(own, nil)
	if err != nil {
		return nil, err
	}
	if more != nil {
		added, err := readWords(more, files[language.Make(english)])
		if err != nil {
			return nil, err
		}
		for tag, phrases := range added {
			if files[tag] == nil {
				files[tag] = map[string]phrase{}
			}
			maps.Copy(files[tag], phrases)
		}
	}
	return newWords(files), nil
}

// newWords makes each language whole and orders them, English first: it is
// what the matcher falls back to.
func newWords(files map[language.Tag]map[string]phrase) *Words {
	tags := slices.SortedFunc(maps.Keys(files), func(a, b language.Tag) int {
		if (a.String() == english) != (b.String() == english) {
			if a.String() == english {
				return -1
			}
			return 1
		}
		return strings.Compare(a.String(), b.String())
	})
	w := &Words{matcher: language.NewMatcher(tags)}
	for _, tag := range tags {
		l := &Language{tag: tag.String(), phrases: maps.Clone(files[language.Make(english)])}
		for _, t := range slices.Backward(ancestors(tag)) {
			maps.Copy(l.phrases, files[t])
		}
		l.clock = l.phrases["clock"].fill(nil)
		l.titles = l.makeTitles()
		w.languages = append(w.languages, l)
	}
	return w
}

// ancestors are the tag and the more general ones it comes down to.
func ancestors(tag language.Tag) []language.Tag {
	var chain []language.Tag
	for ; tag != language.Und; tag = tag.Parent() {
		chain = append(chain, tag)
	}
	return chain
}

// readWords reads a directory of catalogue files. known is English; nil while
// English itself is read.
func readWords(dir fs.FS, known map[string]phrase) (map[language.Tag]map[string]phrase, error) {
	names, err := fs.Glob(dir, "*.json")
	if err != nil {
		return nil, err
	}
	if len(names) > maxWordsFiles {
		return nil, fmt.Errorf("there are %d files; %d languages are the most", len(names), maxWordsFiles)
	}
	files := map[language.Tag]map[string]phrase{}
	for _, name := range names {
		tag, err := language.Parse(strings.TrimSuffix(path.Base(name), ".json"))
		if err != nil {
			return nil, fmt.Errorf("%s: the name is no language tag; call it fr.json or pt-BR.json", name)
		}
		text, err := readWordsFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if files[tag], err = parseWords(text, known); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return files, nil
}

func readWordsFile(dir fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(dir, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxWordsFile {
		return nil, fmt.Errorf("it has %d bytes; a catalogue has at most %d", info.Size(), maxWordsFile)
	}
	return fs.ReadFile(dir, name)
}

// parseWords reads one catalogue file and checks it against English.
func parseWords(text []byte, known map[string]phrase) (map[string]phrase, error) {
	var raw map[string]string
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&raw); err != nil {
		return nil, fmt.Errorf("it is not a JSON object of texts: %w", err)
	}
	if d.More() {
		return nil, errors.New("something follows the JSON object; a file holds one object")
	}
	out := make(map[string]phrase, len(raw))
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		p, err := parseKnown(key, raw[key], known)
		if err != nil {
			return nil, fmt.Errorf("%q %w", key, err)
		}
		out[key] = p
	}
	return out, nil
}

func parseKnown(key, text string, known map[string]phrase) (phrase, error) {
	switch {
	case len(text) > maxPhrase || !utf8.ValidString(text) || strings.TrimSpace(text) == "" || text != clean(text):
		return nil, fmt.Errorf("must be one line of 1 to %d bytes without space around it", maxPhrase)
	case key == "clock" && text != "15:04" && text != "3:04 PM":
		return nil, errors.New(`must be "15:04" (24 hours) or "3:04 PM"`)
	}
	p, err := parsePhrase(text)
	if err != nil || known == nil {
		return p, err
	}
	model, ok := known[key]
	if !ok {
		return nil, errors.New("is no phrase of ours; see push/words/en.json for those there are")
	}
	for _, place := range p.places() {
		if !slices.Contains(model.places(), place) {
			return nil, fmt.Errorf("has the place {%s}; it may use %v", place, model.places())
		}
	}
	return p, nil
}
