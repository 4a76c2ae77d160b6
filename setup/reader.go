package setup

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// reader walks parsed YAML by the file's own schema and gathers problems; it
// never stops at the first.
type reader struct {
	anchors  map[string]ast.Node
	problems *Problems
	// budget is how many more nodes may be read, see maxNodes.
	budget int
}

// value is one node and its place. An absent value has no node; reading it
// gives the zero value and no problem.
type value struct {
	r    *reader
	node ast.Node
	at   place
}

func (v value) given() bool { return v.node != nil }

func (v value) wrong(format string, args ...any) { v.r.problems.add(v.at, format, args...) }

// fields is a map's values by key.
type fields struct {
	of   value
	vals map[string]value
}

// fields reads a map that may have these keys and no others.
func (v value) fields(known ...string) fields {
	f := fields{of: v, vals: map[string]value{}}
	if !v.given() {
		return f
	}
	pairs, ok := pairs(v.node)
	if !ok {
		v.wrong("expected keys and values (%s), got %s", strings.Join(known, ", "), kind(v.node))
		f.of.node = nil // nothing is missing in what is not there
		return f
	}
	for _, p := range pairs {
		f.add(p, known)
	}
	return f
}

func (f fields) add(p *ast.MappingValueNode, known []string) {
	v, name := f.of, keyName(p.Key)
	at := v.at.key(p.Key.GetToken().Value, lineOf(p.Key))
	switch before, twice := f.vals[name]; {
	case name == "":
		v.r.problems.add(at, "expected one of the keys %s here; merge keys and keys that are not plain words are not supported", strings.Join(known, ", "))
	case !slices.Contains(known, name):
		v.r.problems.add(at, "unknown key %q; the keys here are %s", name, strings.Join(known, ", "))
	case twice:
		v.r.problems.add(at, "the key %q is there twice (first on line %d); remove one", name, before.at.line)
	case v.at.path == "" && isNull(p.Value):
		// A section whose entries are all commented out is simply empty.
		f.vals[name] = value{r: v.r, at: at}
	default:
		f.vals[name] = value{r: v.r, node: v.r.resolve(p.Value, at), at: at}
	}
}

// get gives the value of a key, absent if it is not there.
func (f fields) get(name string) value {
	v, ok := f.vals[name]
	if !ok {
		v = value{r: f.of.r, at: f.of.at.key(name, f.of.at.line)}
	}
	return v
}

// need is get for what must be there.
func (f fields) need(name string) value {
	v := f.get(name)
	if !v.given() && f.of.given() {
		if _, said := f.vals[name]; !said {
			f.of.wrong("%q is missing; add it", name)
		}
	}
	return v
}

// items reads a list of at most limit values.
func (v value) items(limit int) []value {
	if !v.given() {
		return nil
	}
	seq, ok := v.node.(*ast.SequenceNode)
	if !ok {
		v.wrong("expected a list, got %s", kind(v.node))
		return nil
	}
	if len(seq.Values) > limit {
		v.wrong("this list has %d entries; at most %d are allowed", len(seq.Values), limit)
		return nil
	}
	out := make([]value, 0, len(seq.Values))
	for i, n := range seq.Values {
		at := v.at.index(i, lineOf(n))
		if n = v.r.resolve(n, at); n != nil {
			out = append(out, value{r: v.r, node: n, at: at})
		}
	}
	return out
}

// text reads a scalar as it is written. Numbers are fine (a password may look
// like one); booleans are not, for whoever means the word "true" must say so.
func (v value) text() string {
	switch n := v.node.(type) {
	case nil:
		return ""
	case *ast.StringNode:
		return v.nonEmpty(n.Value)
	case *ast.LiteralNode:
		return v.nonEmpty(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode:
		return v.nonEmpty(n.GetToken().Value)
	default:
		v.wrong("expected a text, got %s; put it in quotes if it is one", kind(n))
		return ""
	}
}

func (v value) nonEmpty(s string) string {
	if s == "" {
		v.wrong("it is empty; give a value or remove the line")
	}
	return s
}

// number reads an integer from lo to hi; lo when it is wrong.
func (v value) number(lo, hi int) int {
	if !v.given() {
		return lo
	}
	if n, ok := v.node.(*ast.IntegerNode); ok {
		i, err := strconv.Atoi(n.GetToken().Value)
		if err == nil && i >= lo && i <= hi {
			return i
		}
	}
	v.wrong("expected a whole number from %d to %d", lo, hi)
	return lo
}

// flag reads true or false.
func (v value) flag() *bool {
	if !v.given() {
		return nil
	}
	n, ok := v.node.(*ast.BoolNode)
	if !ok {
		v.wrong("expected true or false, got %s", kind(v.node))
		return nil
	}
	return &n.Value
}
