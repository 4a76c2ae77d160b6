package api

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// maxViolations bounds how much is said about one request.
const maxViolations = 20

// violations says in sentences what a schema found wrong. root names the value
// judged: a parameter, or "" for the body.
func violations(root string, err error) []ProblemItem {
	if err == nil {
		return nil
	}
	var found *jsonschema.ValidationError
	if !errors.As(err, &found) {
		return []ProblemItem{problemItem("bad_value", root, subject(root)+" cannot be judged: "+err.Error())}
	}
	var items []ProblemItem
	var walk func(*jsonschema.ValidationError)
	walk = func(v *jsonschema.ValidationError) {
		for _, cause := range v.Causes {
			walk(cause)
		}
		if len(v.Causes) == 0 && len(items) < maxViolations {
			items = append(items, violation(join(root, strings.Join(v.InstanceLocation, ".")), v.ErrorKind)...)
		}
	}
	walk(found)
	return items
}

// violation puts one finding into words.
func violation(place string, k jsonschema.ErrorKind) []ProblemItem {
	one := func(code, format string, args ...any) []ProblemItem {
		return []ProblemItem{problemItem(code, place, subject(place)+" "+fmt.Sprintf(format, args...))}
	}
	switch k := k.(type) {
	case *kind.AdditionalProperties:
		return each(place, k.Properties, "unknown_field", "there is no field %s here; remove it or correct its name")
	case *kind.Required:
		return each(place, k.Missing, "missing_field", "%s is missing; add it")
	case *kind.Type:
		return one("wrong_type", "must be %s, not %s", strings.Join(k.Want, " or "), k.Got)
	case *kind.Enum:
		return one("bad_value", "must be one of %s", list(k.Want))
	case *kind.Format:
		return one("bad_value", "must be a %s, such as 2026-03-29T02:14:00Z", k.Want)
	case *kind.MinLength:
		return one("bad_value", "must have at least %s", count(k.Want, "character"))
	case *kind.MaxLength:
		return one("bad_value", "may have at most %s, this has %d", count(k.Want, "character"), k.Got)
	case *kind.MinItems:
		return one("bad_value", "must have at least %s", count(k.Want, "item"))
	case *kind.MaxItems:
		return one("bad_value", "may have at most %s", count(k.Want, "item"))
	case *kind.MinProperties:
		return one("missing_field", "needs at least %s", count(k.Want, "field"))
	case *kind.MaxProperties:
		return one("bad_value", "may have at most %s", count(k.Want, "field"))
	case *kind.UniqueItems:
		return one("bad_value", "names the same thing twice")
	case *kind.Minimum:
		want, _ := k.Want.Float64()
		return one("bad_value", "must be at least %s", number(want))
	case *kind.Maximum:
		want, _ := k.Want.Float64()
		return one("bad_value", "may be at most %s", number(want))
	default:
		return one("bad_value", "is not what the API describes; look at its description")
	}
}

// each says the same of several fields at one place.
func each(place string, names []string, code, format string) []ProblemItem {
	items := make([]ProblemItem, len(names))
	for i, name := range names {
		full := join(place, name)
		items[i] = problemItem(code, full, fmt.Sprintf(format, quote(full)))
	}
	return items
}

func join(place, name string) string {
	if place == "" || name == "" {
		return place + name
	}
	return place + "." + name
}

func subject(place string) string {
	if place == "" {
		return "the body"
	}
	return place
}

// quote shows a name that a client made up, without letting it fill the answer.
func quote(name string) string { return fmt.Sprintf("%.60q", name) }

func list(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
