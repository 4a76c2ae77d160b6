package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nightbell/nightbell/test/stage"
)

// sender posts events over one kept connection, with as little CPU of its own
// as can be: it shares the cores with what it measures.
type sender struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

func dial(addr string) (*sender, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &sender{conn: c, in: bufio.NewReaderSize(c, 4096)}, nil
}

// post sends one body and waits for the answer's end.
func (s *sender) post(path string, body []byte) (status int, err error) {
	s.out = append(s.out[:0], "POST "...)
	s.out = append(s.out, path...)
	s.out = append(s.out, " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: "...)
	s.out = strconv.AppendInt(s.out, int64(len(body)), 10)
	s.out = append(s.out, "\r\n\r\n"...)
	s.out = append(s.out, body...)
	if _, err := s.conn.Write(s.out); err != nil {
		return 0, err
	}
	line, err := s.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, fmt.Errorf("short status line %q", line)
	}
	status, _ = strconv.Atoi(string(line[9:12]))
	length := 0
	for {
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && strings.EqualFold(string(name), "Content-Length") {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	}
	_, err = s.in.Discard(length)
	return status, err
}

func event(dedup string) []byte {
	b, _ := json.Marshal(map[string]any{
		"routing_key": stage.RoutingKey, "event_action": "trigger", "dedup_key": dedup,
		"payload": map[string]any{
			"summary": "Checkout answers 500 in Madrid: " + dedup, "source": "prometheus", "severity": "critical",
			"component": "checkout", "custom_details": map[string]string{"region": "eu-south", "rate": "12.5"},
		},
	})
	return b
}

// flood sends events until next gives nil, over n connections at once, and
// reports how many were answered 202 and how long it took.
func flood(b *testing.B, url string, n int, next func() []byte) (accepted int64, took time.Duration) {
	b.Helper()
	addr := strings.TrimPrefix(url, "http://")
	var ok, bad atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range n {
		s, err := dial(addr)
		if err != nil {
			b.Fatal(err)
		}
		wg.Go(func() {
			defer s.conn.Close()
			for body := next(); body != nil; body = next() {
				status, err := s.post("/v2/enqueue", body)
				switch {
				case err != nil:
					b.Errorf("sending: %v", err)
					return
				case status == 202:
					ok.Add(1)
				default:
					bad.Add(1)
				}
			}
		})
	}
	wg.Wait()
	took = time.Since(start)
	if bad.Load() > 0 {
		b.Errorf("%d events were not answered 202", bad.Load())
	}
	return ok.Load(), took
}
