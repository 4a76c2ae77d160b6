package app

import (
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

func TestConnectionsAreBounded(t *testing.T) {
	var open atomic.Int64
	open.Store(maxConns - 1)
	last, _ := net.Pipe()
	defer last.Close()
	bound(&open, last, http.StateNew)
	if err := last.SetDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Errorf("the last connection within the limit was closed: %v", err)
	}
	over, _ := net.Pipe()
	bound(&open, over, http.StateNew)
	if _, err := over.Write([]byte("x")); err == nil {
		t.Error("a connection over the limit stays open")
	}
	bound(&open, over, http.StateClosed)
	bound(&open, last, http.StateHijacked)
	if got := open.Load(); got != maxConns-1 {
		t.Errorf("%d connections are counted afterwards, want %d", got, maxConns-1)
	}
}
