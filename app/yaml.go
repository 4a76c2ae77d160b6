package app

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxConfigProblems bounds how much one file can make us say.
const maxConfigProblems = 50

// maxConfigNesting is deeper than any setting lies; it keeps a hostile or
// broken file from exhausting the parser's stack.
const maxConfigNesting = 64

// decodeYAML reads the configuration file over c, which holds the defaults.
// Unknown names are refused by name and line, all of them at once.
func decodeYAML(text []byte, c *Config) Problems {
	if tooNested(text) {
		return Problems{fmt.Sprintf("the brackets are nested more than %d deep", maxConfigNesting)}
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return Problems{"not valid YAML: " + yaml.FormatError(err, false, false)}
	}
	if len(file.Docs) > 1 {
		return Problems{"holds several YAML documents; keep one"}
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil // an empty file, or one of comments only: all defaults
	}
	body := file.Docs[0].Body
	if _, empty := body.(*ast.NullNode); empty {
		return nil
	}
	var s strictness
	s.check(body, reflect.TypeFor[Config](), "")
	if len(s.problems) > 0 {
		return s.problems
	}
	before := *c
	// The source is never quoted in the message: it may hold secrets.
	if err := yaml.NodeToValue(body, c); err != nil {
		*c = before
		return Problems{yaml.FormatError(err, false, false)}
	}
	return nil
}

// strictness walks the file beside the type it will fill.
type strictness struct{ problems Problems }

func (s *strictness) say(n ast.Node, format string, args ...any) {
	if len(s.problems) < maxConfigProblems {
		s.problems = append(s.problems, fmt.Sprintf("line %d: ", lineOf(n))+fmt.Sprintf(format, args...))
	}
}

func (s *strictness) check(n ast.Node, t reflect.Type, path string) {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, pair := range n.Values {
			s.checkPair(pair, t, path)
		}
	case *ast.MappingValueNode:
		s.checkPair(n, t, path)
	case *ast.SequenceNode:
		if t.Kind() != reflect.Slice {
			s.say(n, "%s cannot be a list", nameOf(path))
			return
		}
		for i, item := range n.Values {
			s.check(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		s.say(n, "%s uses an anchor, alias or tag; write the value out", nameOf(path))
	case *ast.NullNode:
		// "key:" with nothing behind it leaves the default.
	default:
		if t.Kind() == reflect.Struct || t.Kind() == reflect.Slice {
			s.say(n, "%s must be %s, not a single value", nameOf(path), shapeOf(t))
		}
	}
}

func (s *strictness) checkPair(pair *ast.MappingValueNode, t reflect.Type, path string) {
	key, ok := pair.Key.(*ast.StringNode)
	if !ok {
		s.say(pair, "%s holds a key that is not a plain name", nameOf(path))
		return
	}
	if t.Kind() != reflect.Struct {
		s.say(pair, "%s cannot hold settings such as %s; it must be %s", nameOf(path), key.Value, shapeOf(t))
		return
	}
	full := strings.TrimPrefix(path+"."+key.Value, ".")
	var known []string
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("yaml")
		if name == key.Value {
			s.check(pair.Value, t.Field(i).Type, full)
			return
		}
		known = append(known, name)
	}
	s.say(pair, "unknown setting %s%s", full, didYouMean(key.Value, known))
}

func nameOf(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func shapeOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct:
		return "a group of settings"
	case reflect.Slice:
		return "a list"
	default:
		return "a single value"
	}
}

func lineOf(n ast.Node) int {
	if tok := n.GetToken(); tok != nil && tok.Position != nil {
		return tok.Position.Line
	}
	return 0
}

// tooNested counts open brackets without regard to quotes: a string with that
// many brackets is no setting either.
func tooNested(text []byte) bool {
	depth := 0
	for _, b := range text {
		switch b {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		}
		if depth > maxConfigNesting {
			return true
		}
	}
	return false
}
