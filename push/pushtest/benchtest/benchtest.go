//go:build unix

package benchtest

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/push/webpush"
)

const childEnv = "NIGHTBELL_BENCH_EMULATOR"

// Bundle and Project are the apps the emulator knows.
const (
	Bundle  = "app.nightbell.ios"
	Project = "nightbell-bench"
)

// Emulator is one in another process.
type Emulator struct {
	APNs, FCM string // addresses
	CA        []byte
	App       pushtest.APNsApp
	Account   []byte
	IOS       []string // tokens
	Android   []string
	// WebPush is the browsers' push service, and VAPID the private key that they
	// have subscribed with.
	WebPush  string
	VAPID    []byte
	Browsers []pushtest.Browser
}

// Serve makes this process the emulator if it was started to be that. It
// reports whether it was, after the parent has let go.
func Serve() bool {
	latency := os.Getenv(childEnv)
	if latency == "" {
		return false
	}
	if err := serve(latency); err != nil {
		fmt.Fprintln(os.Stderr, "bench emulator:", err)
		os.Exit(1)
	}
	return true
}

func serve(latency string) error {
	d, err := time.ParseDuration(latency)
	if err != nil {
		return err
	}
	em, err := pushtest.Start(pushtest.Config{History: 2})
	if err != nil {
		return err
	}
	defer em.Close()
	em.SetLatency(d)
	account, err := em.NewServiceAccount(Project)
	if err != nil {
		return err
	}
	e := Emulator{APNs: em.APNsURL(pushtest.Production), FCM: em.FCMURL(), CA: em.CAPEM(), App: em.NewAPNsApp(Bundle), Account: account}
	if err := e.subscribe(em); err != nil {
		return err
	}
	for range 1000 {
		e.IOS = append(e.IOS, em.NewDevice(push.APNs, Bundle).Token)
		e.Android = append(e.Android, em.NewDevice(push.FCM, Project).Token)
	}
	if err := json.NewEncoder(os.Stdout).Encode(e); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin) // until the parent closes it
	return err
}

// subscribe makes browsers of one key.
func (e *Emulator) subscribe(em *pushtest.Emulator) error {
	key, err := webpush.NewKey()
	if err != nil {
		return err
	}
	if e.VAPID, err = key.Bytes(); err != nil {
		return err
	}
	e.WebPush = em.WebPushURL()
	for range 200 {
		b, err := em.NewBrowser(key.Public(), "")
		if err != nil {
			return err
		}
		e.Browsers = append(e.Browsers, b)
	}
	return nil
}

// Start starts the emulator with a latency; it ends with the benchmark.
func Start(b *testing.B, latency time.Duration) *Emulator {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+latency.String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	var e Emulator
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&e); err != nil {
		b.Fatal(err)
	}
	return &e
}

// Roots trusts the emulator.
func (e *Emulator) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(e.CA)
	return pool
}

// Run calls send b.N times from so many goroutines at once, and reports the
// rate and this process's CPU seconds for 10,000.
func Run(b *testing.B, inFlight int, send func(i int) error) {
	b.Helper()
	if err := send(0); err != nil { // connections are warm in the measurement
		b.Fatal(err)
	}
	var (
		next   atomic.Int64
		failed atomic.Pointer[error]
		work   sync.WaitGroup
	)
	before, start := cpu(), time.Now()
	b.ResetTimer()
	for range inFlight {
		work.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := send(int(i)); err != nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	work.Wait()
	b.StopTimer()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	n := float64(b.N)
	b.ReportMetric(n/time.Since(start).Seconds(), "pushes/s")
	b.ReportMetric((cpu()-before).Seconds()/n*10_000, "cpu-s/10k")
}

// cpu is what this process has used, user and system.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
