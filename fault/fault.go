package fault

import (
	"errors"
	"fmt"
)

// Kind sorts refusals by what the caller can do about them.
type Kind int

const (
	// Internal is trouble on our side; the caller may try again later.
	Internal Kind = iota
	// Invalid means the request is wrong and will stay wrong.
	Invalid
	// Unauthenticated means we do not know who is asking.
	Unauthenticated
	// Forbidden means we know, and they may not.
	Forbidden
	// NotFound means there is no such thing, or none they may see.
	NotFound
	// Conflict means the thing has moved on since the caller looked.
	Conflict
	// Gone means it existed and cannot come back (an expired cursor).
	Gone
	// TooLarge means a limit of size was passed.
	TooLarge
	// TooMany means a limit of rate was passed.
	TooMany
	// Unavailable means we cannot do it now and the caller should retry.
	Unavailable
)

// String gives the kind's stable name, used as the default code.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case Unauthenticated:
		return "unauthenticated"
	case Forbidden:
		return "forbidden"
	case NotFound:
		return "not_found"
	case Conflict:
		return "conflict"
	case Gone:
		return "gone"
	case TooLarge:
		return "too_large"
	case TooMany:
		return "too_many"
	case Unavailable:
		return "unavailable"
	default:
		return "internal"
	}
}

// Error is a refusal fit for people: a kind, a stable code and a sentence.
type Error struct {
	Kind Kind
	// Code is stable and lower_snake_case; clients may branch on it.
	Code string
	// Message is a full sentence: what is wrong and what to do. It never
	// holds secrets or internals.
	Message string
	// Field names the offending input field, when there is one.
	Field string
	cause error
}

// Error implements error. The cause is included, so log this but show Message.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.cause }

// New builds a refusal from a kind, a code and a formatted sentence.
func New(k Kind, code, format string, args ...any) *Error {
	return &Error{Kind: k, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Field builds an Invalid refusal about one input field.
func Field(name, code, format string, args ...any) *Error {
	e := New(Invalid, code, format, args...)
	e.Field = name
	return e
}

// Wrap is New with a cause kept for the log.
func Wrap(cause error, k Kind, code, format string, args ...any) *Error {
	e := New(k, code, format, args...)
	e.cause = cause
	return e
}

// KindOf gives the kind of the outermost [Error] in err's chain, Internal for
// any other error. It must not be called with nil.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is a refusal with this code.
func Is(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
