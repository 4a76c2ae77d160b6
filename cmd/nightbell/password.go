package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxPassword bounds what is read for a password; auth has the narrower limit.
const maxPassword = 4096

// password reads a new password from a file, from standard input ("-"), or by
// asking twice at a terminal without showing it.
func (w *world) password(file string) (string, error) {
	switch file {
	case "":
		return w.askPassword()
	case "-":
		return readPassword(w.stdin)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	defer f.Close()
	return readPassword(f)
}

// readPassword takes the first line.
func readPassword(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxPassword))
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", errors.New("the password is empty; write it on the first line")
	}
	return line, nil
}

func (w *world) askPassword() (string, error) {
	f, ok := w.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", errors.New("there is no terminal to ask for the password at; pass it with --password-file FILE, or --password-file - for standard input")
	}
	var answers [2][]byte
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(w.stderr, prompt)
		answer, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(w.stderr)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		answers[i] = answer
	}
	if !bytes.Equal(answers[0], answers[1]) {
		return "", errors.New("the two passwords differ; nothing was added")
	}
	return string(answers[0]), nil
}
