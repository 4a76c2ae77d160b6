package setup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nightbell/nightbell/fault"
)

// maxProblems bounds a report: who has fixed fifty will run it again anyway.
const maxProblems = 50

// Problem is one thing wrong with a setup file.
type Problem struct {
	Line int    // counts from 1; 0 where the file has no such place
	Path string // services[0].policy
	Text string
}

// String renders "line 12, services[0].policy: what is wrong".
func (p Problem) String() string {
	var where []string
	if p.Line > 0 {
		where = append(where, fmt.Sprintf("line %d", p.Line))
	}
	if p.Path != "" {
		where = append(where, p.Path)
	}
	if len(where) == 0 {
		return p.Text
	}
	return strings.Join(where, ", ") + ": " + p.Text
}

// Problems is everything wrong with a setup file, as one error. It unwraps to
// a fault of kind Invalid and code "bad_setup_file".
type Problems struct {
	List []Problem
	// More counts those beyond the first fifty.
	More int
}

// Error lists the problems, one on a line.
func (p *Problems) Error() string {
	var b strings.Builder
	n := len(p.List) + p.More
	if n == 1 {
		b.WriteString("the setup file has a problem; correct it and import again (nothing was changed):")
	} else {
		fmt.Fprintf(&b, "the setup file has %d problems; correct them and import again (nothing was changed):", n)
	}
	for _, one := range p.List {
		b.WriteString("\n  " + one.String())
	}
	if p.More > 0 {
		fmt.Fprintf(&b, "\n  and %d more", p.More)
	}
	return b.String()
}

// Unwrap gives the fault, for what turns kinds into exits and statuses.
func (p *Problems) Unwrap() error {
	return fault.New(fault.Invalid, "bad_setup_file", "%s", p.Error())
}

func (p *Problems) add(at place, format string, args ...any) {
	if len(p.List) == maxProblems {
		p.More++
		return
	}
	p.List = append(p.List, Problem{Line: at.line, Path: at.path, Text: fmt.Sprintf(format, args...)})
}

// err gives the problems in the order of the file, nil if there are none.
func (p *Problems) err() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b Problem) int { return a.Line - b.Line })
	return p
}

// place is where in the file something stands; zero for a file made in code.
type place struct {
	path string
	line int
}

func (p place) key(name string, line int) place {
	if p.path != "" {
		name = p.path + "." + name
	}
	return place{name, line}
}

func (p place) index(i, line int) place {
	return place{fmt.Sprintf("%s[%d]", p.path, i), line}
}
