package realtime_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/nightbell/nightbell/realtime"
)

// The benchmarks measure the server's process alone, so the clients live in
// another one: the test binary, started again with this in its environment.
const crowdEnv = "NIGHTBELL_TEST_CROWD" // "<url> <clients>"

// crowd is the other process, seen from the benchmark.
type crowd struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

// gather starts n clients and returns when all have their welcome.
func gather(b *testing.B, url string, n int) *crowd {
	b.Helper()
	c := &crowd{cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", crowdEnv, url, n))
	c.cmd.Stderr = os.Stderr
	stdout, err := c.cmd.StdoutPipe()
	if err == nil {
		c.stdin, err = c.cmd.StdinPipe()
	}
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	c.lines = bufio.NewScanner(stdout)
	c.await(b, 0)
	return c
}

// await returns when every client has said that it stands at seq.
func (c *crowd) await(b *testing.B, seq int64) {
	b.Helper()
	for c.lines.Scan() {
		if c.lines.Text() == strconv.FormatInt(seq, 10) {
			return
		}
	}
	b.Fatal("the crowd has gone: ", c.lines.Err())
}

func (c *crowd) leave() {
	_ = c.stdin.Close()
	_ = c.cmd.Wait()
}

// beTheCrowd never returns in the process that is the crowd.
func beTheCrowd() {
	order := os.Getenv(crowdEnv)
	if order == "" {
		return
	}
	var url string
	var n int
	if _, err := fmt.Sscan(order, &url, &n); err != nil {
		panic(err)
	}
	stands := make(chan int64, n)
	for range n {
		go attend(strings.Replace(url, "http", "ws", 1), stands)
	}
	go countStands(stands, n)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// countStands prints each number once all clients have reached it.
func countStands(stands <-chan int64, n int) {
	at := map[int64]int{}
	for seq := range stands {
		if at[seq]++; at[seq] == n {
			delete(at, seq)
			fmt.Println(seq)
		}
	}
}

// attend is one client. It does as little as it can: it is not what is measured.
func attend(url string, stands chan<- int64) {
	d := websocket.Dialer{Subprotocols: []string{realtime.Protocol}, ReadBufferSize: 1024, WriteBufferSize: 256}
	ws, _, err := d.DialContext(context.Background(), url, nil)
	if err != nil {
		panic(err)
	}
	hello, _ := json.Marshal(realtime.ClientFrame{Hello: &realtime.Hello{Token: "ana"}})
	if err := ws.WriteMessage(websocket.TextMessage, hello); err != nil {
		panic(err)
	}
	for last := int64(-1); ; {
		_, frame, err := ws.ReadMessage()
		if err != nil {
			return
		}
		if bytes.HasPrefix(frame, []byte(`{"ping"`)) {
			_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"pong":1}`))
			continue
		}
		for to := toOf(frame); last < to; {
			last++
			stands <- last
		}
	}
}

// toOf finds an events frame's "to"; 0 for the welcome.
func toOf(frame []byte) (to int64) {
	_, rest, _ := bytes.Cut(frame, []byte(`"to":`))
	for _, c := range rest {
		if c < '0' || c > '9' {
			break
		}
		to = to*10 + int64(c-'0')
	}
	return to
}
