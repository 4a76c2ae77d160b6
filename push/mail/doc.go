// Package mail sends letters through an SMTP server.
//
// One letter is one e-mail: a text and a small HTML part with the buttons as
// links, threaded by incident. It leaves over one of a few kept connections,
// encrypted unless the operator says otherwise, and what the server answers is
// sorted by push.ClassifySMTP. A letter that is sent again after its answer was
// lost has the same Message-ID, by which mail programs drop the second.
//
// The links lead to a page that asks, and only its button acts: mail scanners
// follow every link.
//
// May import: push, push/wire, fault; it is the only door of go-mail.
package mail
