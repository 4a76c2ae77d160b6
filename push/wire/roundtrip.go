package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"

	"golang.org/x/net/http2"
)

// AnswerLimit is how much of an answer's body is read. Providers answer with
// a line or two; what is longer comes from something else on the way.
const AnswerLimit = 64 << 10

// RoundTrip sends req when its turn comes and returns the answer with its
// body already read. A request that HTTP/2 says was not processed (refused
// stream, connection going away) is sent once more, at once; every other
// failure is the caller's to judge, since the provider may have acted on it.
func (p *Pool) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := p.once(req)
	if err == nil || !unprocessed(err) || req.Context().Err() != nil {
		return resp, err
	}
	again, copyErr := rewound(req)
	if copyErr != nil {
		return nil, err
	}
	return p.once(again)
}

func (p *Pool) once(req *http.Request) (*http.Response, error) {
	t, err := p.acquire(req.Context())
	if err != nil {
		return nil, err
	}
	resp, err := exchange(t.cc, req)
	p.release(t, resp, err)
	return resp, err
}

func exchange(cc *http.ClientConn, req *http.Request) (*http.Response, error) {
	resp, err := cc.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	var body []byte
	if resp.ContentLength != 0 {
		body, err = io.ReadAll(io.LimitReader(resp.Body, AnswerLimit))
	}
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = http.NoBody
	if len(body) > 0 {
		resp.Body = io.NopCloser(bytes.NewReader(body))
	}
	return resp, nil
}

func rewound(req *http.Request) (*http.Request, error) {
	again := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return again, nil
	}
	if req.GetBody == nil {
		return nil, errors.New("the body cannot be sent again")
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err
}

// unsentErrors are net/http's words for "the peer has not seen this request,
// or has said it will not act on it". They are not exported as values; a test
// against real GOAWAYs fails if the words change, and until someone notices
// such a push merely takes the ordinary retry.
var unsentErrors = []string{
	"http2: client conn not usable",
	"http2: client conn could not be established",
	"http2: Transport received Server's graceful shutdown GOAWAY",
}

// unprocessed reports whether HTTP/2 guarantees that the request had no
// effect (RFC 9113, 8.7).
func unprocessed(err error) bool {
	var stream http2.StreamError
	if errors.As(err, &stream) {
		return stream.Code == http2.ErrCodeRefusedStream
	}
	return slices.Contains(unsentErrors, err.Error())
}
