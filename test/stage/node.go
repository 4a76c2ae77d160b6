package stage

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Node is one running nightbell process.
type Node struct {
	URL  string
	t    testing.TB
	cmd  *exec.Cmd
	log  *tail
	done chan struct{}
	err  error // of Wait, after done
}

// Start runs `nightbell serve` on the stage's database and waits until it is
// ready. crashAt names a place of package crash to die at, "" for none.
func (s *Stage) Start(crashAt string) *Node {
	s.T.Helper()
	n := s.start(crashAt)
	n.ready()
	return n
}

// start runs it without waiting.
func (s *Stage) start(crashAt string) *Node {
	s.T.Helper()
	bin, err := build()
	if err != nil {
		s.T.Fatal(err)
	}
	n := &Node{URL: s.URL, t: s.T, log: &tail{}, done: make(chan struct{})}
	n.cmd = exec.Command(bin, "serve", "--config", s.Config)
	n.cmd.Env = append(clean(os.Environ()), "CRASHPOINT="+crashAt)
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := n.cmd.Start(); err != nil {
		s.T.Fatal(err)
	}
	go func() {
		n.err = n.cmd.Wait()
		close(n.done)
	}()
	s.T.Cleanup(n.Kill)
	return n
}

// clean drops what would configure the node behind the stage's back.
func clean(env []string) []string {
	return slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, "NIGHTBELL_") })
}

// ready polls /readyz until the node says so; its log is shown when it does not.
func (n *Node) ready() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, n.URL+"/readyz", nil)
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-n.done:
			n.t.Fatalf("the node ended before it was ready: %v\n%s", n.err, n.log)
		case <-ctx.Done():
			n.t.Fatalf("the node was not ready in a minute\n%s", n.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends the process with SIGKILL, if it still runs, and waits for it.
func (n *Node) Kill() {
	_ = n.cmd.Process.Kill()
	<-n.done
}

// Dead waits until the process has ended by itself, at its crash point.
func (n *Node) Dead() {
	n.t.Helper()
	select {
	case <-n.done:
	case <-time.After(60 * time.Second):
		n.t.Fatalf("the node did not die at its crash point within a minute\n%s", n.log)
	}
}

// Stop asks the process to stop in order and waits for it.
func (n *Node) Stop() error {
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-n.done
	return n.err
}

// Pid is the process's id.
func (n *Node) Pid() int { return n.cmd.Process.Pid }

// Log is the end of what the node has written.
func (n *Node) Log() string { return n.log.String() }

// tail keeps the last 64 KiB written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (l *tail) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, b...)
	if over := len(l.buf) - 64<<10; over > 0 {
		l.buf = append(l.buf[:0], l.buf[over:]...)
	}
	return len(b), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf)
}

// freeAddr gives a loopback address that was free a moment ago.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr())
}
