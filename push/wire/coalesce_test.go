package wire_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/nightbell/nightbell/push/wire"
)

// pipe counts the writes that reach a net.Pipe.
type pipe struct {
	net.Conn
	mu     sync.Mutex
	writes int
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.writes++
	p.mu.Unlock()
	return p.Conn.Write(b)
}

func TestWritesThatWaitLeaveTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		counted := &pipe{Conn: near}
		c := wire.Coalesce(counted)
		var want bytes.Buffer
		for i := range 100 {
			line := bytes.Repeat([]byte{byte(i)}, 10)
			want.Write(line)
			if _, err := c.Write(line); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the first write is stuck in the pipe, the rest wait
		}
		got := make([]byte, want.Len())
		if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("order or content changed: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if counted.writes != 2 {
			t.Errorf("%d writes for 100 frames, want 2", counted.writes)
		}
	})
}

func TestWriteBlocksAtTheLimitAndFailsWhenThePeerIsStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := wire.Coalesce(near)
		chunk := make([]byte, 100<<10)
		var err error
		written := 0
		for err == nil && written < 100 { // the clock moves while the last one blocks
			_, err = c.Write(chunk)
			written++
		}
		if err == nil || written > 6 {
			t.Errorf("%d chunks of 100 KB were taken for a peer that reads nothing (%v)", written, err)
		}
		_ = c.Close()
	})
}

func TestCloseLetsTheLastWordsOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := wire.Coalesce(near)
		if _, err := c.Write([]byte("goodbye")); err != nil {
			t.Fatal(err)
		}
		var got []byte
		var work sync.WaitGroup
		work.Go(func() { got, _ = io.ReadAll(far) })
		_ = c.Close()
		work.Wait()
		if string(got) != "goodbye" {
			t.Errorf("got %q", got)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}
