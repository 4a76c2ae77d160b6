package push

import (
	"errors"
	"slices"
	"strings"
)

// phrase is a sentence of the catalogue with places to be filled, parsed once.
type phrase []part

// part is a stretch of text, or the name of a place.
type part struct{ text, place string }

// parsePhrase reads "Acknowledged by {name} {time}". There is no way to write
// a brace of its own; no phrase needs one.
func parsePhrase(s string) (phrase, error) {
	var p phrase
	for s != "" {
		before, rest, open := strings.Cut(s, "{")
		if strings.Contains(before, "}") {
			return nil, errors.New("has a } without its {")
		}
		if before != "" {
			p = append(p, part{text: before})
		}
		if !open {
			break
		}
		place, after, closed := strings.Cut(rest, "}")
		if !closed || place == "" || strings.ContainsAny(place, "{ ") {
			return nil, errors.New("has a { that does not begin a {place}")
		}
		p = append(p, part{place: place})
		s = after
	}
	return p, nil
}

// places lists the names to be filled, sorted.
func (p phrase) places() []string {
	var names []string
	for _, part := range p {
		if part.place != "" && !slices.Contains(names, part.place) {
			names = append(names, part.place)
		}
	}
	slices.Sort(names)
	return names
}

// fill puts the values in, given as pairs of name and value.
func (p phrase) fill(pairs []string) string {
	var b strings.Builder
	for _, part := range p {
		if part.place == "" {
			b.WriteString(part.text)
			continue
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == part.place {
				b.WriteString(pairs[i+1])
			}
		}
	}
	return strings.TrimSpace(b.String())
}
