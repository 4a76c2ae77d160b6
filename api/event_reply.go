package api

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// eventRefusal is why an event was not taken.
type eventRefusal struct {
	status int
	result string // for the meter: bounded words
	action string // for the meter; empty when it was not understood
	errs   []string
	cause  error
	// title and message replace the status's usual ones.
	title, message string
}

// The refusals that need no look at the event.

func refusedMethod() eventRefusal {
	return eventRefusal{
		status: http.StatusMethodNotAllowed, result: "method", errs: []string{"events are sent with POST"},
		title: "method not allowed", message: "Events are sent with POST",
	}
}

func refusedEmpty() eventRefusal {
	return eventRefusal{
		status: http.StatusServiceUnavailable, result: "empty", errs: []string{"the body is empty; send the event again"},
	}
}

func refusedSize() eventRefusal {
	return eventRefusal{
		status: http.StatusRequestEntityTooLarge, result: "too_large",
		errs:  []string{"the event is larger than 524288 bytes; send fewer custom_details"},
		title: "payload too large", message: "Event object is too large",
	}
}

// refusedJSON has PagerDuty's literal words: scripts look for them.
func refusedJSON(cause error) *eventRefusal {
	return &eventRefusal{
		status: http.StatusBadRequest, result: "unrecognized", errs: []string{"JSON parse error"}, cause: cause,
		title: "Unrecognized object", message: "Event object format is unrecognized",
	}
}

func refusedFields(action string, errs []string) *eventRefusal {
	return &eventRefusal{status: http.StatusBadRequest, result: "invalid", action: action, errs: errs}
}

// words gives status and message of the answer's body.
func (no eventRefusal) words() (status, message string) {
	switch {
	case no.title != "":
		return no.title, no.message
	case no.status == http.StatusServiceUnavailable:
		return "unavailable", "The event was not accepted; send it again"
	case no.status >= http.StatusInternalServerError:
		return "internal error", "The event was not accepted; send it again"
	default:
		return "invalid event", "Event object is invalid"
	}
}

func writeRefusal(x *exchange, no eventRefusal) {
	status, message := no.words()
	body, err := json.Marshal(refusalBody{Status: status, Message: message, Errors: no.errs})
	if err != nil {
		body = []byte(`{"status":"internal error","message":"","errors":[]}`) // strings always marshal
	}
	switch no.status {
	case http.StatusServiceUnavailable:
		x.Header().Set("Retry-After", "2")
	case http.StatusRequestEntityTooLarge:
		x.Header().Set("Connection", "close") // what follows is not read
	}
	writeEventJSON(x, no.status, body)
}

// refusalBody is the body of every answer but 202.
type refusalBody struct {
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Errors  []string `json:"errors"`
}

// writeAccepted answers 202; change events have no dedup key.
func writeAccepted(x *exchange, dedupKey string) {
	if dedupKey == "" {
		writeEventJSON(x, http.StatusAccepted, []byte(`{"status":"success","message":"Change event processed"}`))
		return
	}
	body := make([]byte, 0, 96+len(dedupKey))
	body = append(body, `{"status":"success","message":"Event processed","dedup_key":`...)
	body = append(appendString(body, dedupKey), '}')
	writeEventJSON(x, http.StatusAccepted, body)
}

var jsonType = []string{"application/json"}

func writeEventJSON(x *exchange, status int, body []byte) {
	h := x.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.WriteHeader(status)
	_, _ = x.Write(body) // a sender that has left needs no answer
}

// appendString appends s as a JSON string; plain text needs no second look.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			quoted, err := json.Marshal(s)
			if err != nil {
				return append(b, `""`...) // a string always marshals
			}
			return append(b, quoted...)
		}
	}
	b = append(append(b, '"'), s...)
	return append(b, '"')
}
