package setup

import (
	"github.com/goccy/go-yaml/ast"
)

// maxHops bounds a chain of aliases; a longer one goes in a circle.
const maxHops = 16

// resolve looks through anchors and aliases to the node itself. It gives nil,
// having said why, for an empty value, a tag and an alias to nothing; and nil
// for everything once the budget is spent.
func (r *reader) resolve(n ast.Node, at place) ast.Node {
	if r.budget--; r.budget < 0 {
		return nil
	}
	for range maxHops {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			name := aliasName(v)
			target, ok := r.anchors[name]
			if !ok {
				r.problems.add(at, "the alias *%s has no anchor &%s", name, name)
				return nil
			}
			n = target
		case *ast.TagNode:
			r.problems.add(at, "YAML tags (%s) are not supported; remove it", v.GetToken().Value)
			return nil
		case nil, *ast.NullNode:
			if at.path != "" {
				r.problems.add(at, "it has no value; give one or remove the line")
			}
			return nil
		default:
			return n
		}
	}
	r.problems.add(at, "the aliases here go in a circle")
	return nil
}

// gatherAnchors notes what each &name stands for.
func (r *reader) gatherAnchors(root ast.Node) {
	r.anchors = map[string]ast.Node{}
	ast.Walk(anchorVisitor{r}, root)
}

type anchorVisitor struct{ r *reader }

// Visit implements ast.Visitor.
func (v anchorVisitor) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
		name := a.Name.GetToken().Value
		if _, twice := v.r.anchors[name]; twice {
			v.r.problems.add(place{line: lineOf(a)}, "the anchor &%s is defined twice; rename one", name)
		}
		v.r.anchors[name] = a.Value
	}
	return v
}

func aliasName(a *ast.AliasNode) string {
	if a.Value == nil || a.Value.GetToken() == nil {
		return ""
	}
	return a.Value.GetToken().Value
}

// pairs gives a map's keys and values; a one-pair map may come as the bare pair.
func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch v := n.(type) {
	case *ast.MappingNode:
		return v.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}, true
	default:
		return nil, false
	}
}

// keyName gives a plain key's text, "" for any other key.
func keyName(n ast.Node) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return ""
}

func isNull(n ast.Node) bool {
	_, null := n.(*ast.NullNode)
	return n == nil || null
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// kind names a node for people.
func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	default:
		return "something else"
	}
}
