package setup

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// Limits of a file. A whole company fits well inside; what does not is not a
// setup file but a mistake or an attack.
const (
	maxFile = 4 << 20
	// maxNesting and maxDashes bound how deep the YAML parser can be sent down:
	// it is recursive, and quadratic in "- - - -".
	maxNesting = 64
	maxDashes  = 32
	// maxNodes bounds what aliases can multiply a small file into.
	maxNodes = 1 << 19
	// maxList bounds each list.
	maxList = 10_000
)

// Parse reads a setup file. It is strict: unknown keys, repeated keys and
// names, wrong types and impossible values are all refused, together, as
// [*Problems]. References to names are left to [Plan], which knows the
// database, and password files to [File.ReadPasswords].
func Parse(data []byte) (File, error) {
	var problems Problems
	if len(data) > maxFile {
		return File{}, alone("it is larger than %d MiB; split it, several files can be imported one after the other", maxFile>>20)
	}
	if line, why := unparsable(data); why != "" {
		problems.add(place{line: line}, "%s", why)
		return File{}, problems.err()
	}
	root, err := document(data, &problems)
	if err != nil {
		return File{}, err
	}
	f := root.file()
	if root.r.budget < 0 {
		return File{}, alone("it is too large when its aliases are written out; use fewer, or split it")
	}
	f.checkTwice(&problems)
	return f, problems.err()
}

// alone is a problem beside which the others do not matter.
func alone(format string, args ...any) error {
	var p Problems
	p.add(place{}, format, args...)
	return p.err()
}

// document parses the YAML and gives its one document.
func document(data []byte, problems *Problems) (value, error) {
	// Repeated keys are allowed here because reader reports them itself, with
	// everything else; the parser would stop at the first.
	tree, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, text := syntax(err)
		problems.add(place{line: line}, "this is not valid YAML: %s", text)
		return value{}, problems.err()
	}
	r := &reader{problems: problems, budget: maxNodes}
	for i, doc := range tree.Docs {
		if i > 0 && doc.Body != nil {
			problems.add(place{line: lineOf(doc.Body)}, "a setup file is one YAML document; remove the line \"---\" and what follows, or make it a file of its own")
			return value{}, problems.err()
		}
	}
	root := value{r: r}
	if len(tree.Docs) > 0 && tree.Docs[0].Body != nil {
		root.node = tree.Docs[0].Body
		r.gatherAnchors(root.node)
		root.node = r.resolve(root.node, root.at)
	}
	return root, nil
}

// syntax takes the line and the message out of the parser's error and leaves
// its quotation of the file behind: the quoted line may hold a password.
func syntax(err error) (line int, text string) {
	var e yaml.Error
	if !errors.As(err, &e) {
		return 0, "it cannot be read"
	}
	if tk := e.GetToken(); tk != nil && tk.Position != nil {
		line = tk.Position.Line
	}
	return line, e.GetMessage()
}

// unparsable looks over the text for what must not reach the parser.
func unparsable(data []byte) (line int, why string) {
	if !utf8.Valid(data) {
		return 0, "it is not UTF-8 text; save it as UTF-8"
	}
	depth := 0
	for text := range bytes.Lines(data) {
		line++
		// Brackets inside quotes count too: a file that has 64 more opened than
		// closed there is none that a person wrote.
		depth = max(0, depth+nesting(text))
		if depth > maxNesting || dashes(text) > maxDashes {
			return line, fmt.Sprintf("lists and maps are nested more than %d deep here; write them flat", min(maxNesting, maxDashes))
		}
	}
	return 0, ""
}

func nesting(line []byte) (n int) {
	for _, c := range line {
		switch c {
		case '[', '{':
			n++
		case ']', '}':
			n--
		}
	}
	return n
}

func dashes(line []byte) (n int) {
	for word := range bytes.FieldsSeq(line) {
		if len(word) == 1 && (word[0] == '-' || word[0] == '?') {
			n++
		}
	}
	return n
}
