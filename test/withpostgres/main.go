// Command withpostgres runs a command beside a throw-away PostgreSQL cluster.
//
//	go run ./test/withpostgres go test ./...
//
// The cluster lives in a temporary directory, listens on loopback on a free
// port, and is gone afterwards. The command finds its address in
// NIGHTBELL_TEST_POSTGRES. PostgreSQL refuses to run as root, so as root the
// cluster is run as the user "postgres", else "nobody".
//
// Where no server binary can be found the command runs without one and a loud
// line says what is skipped; with NIGHTBELL_REQUIRE_POSTGRES=1 that is an
// error instead. The exit code is the command's.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	runtime.LockOSThread() // Pdeathsig is bound to the thread that starts the server
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: withpostgres COMMAND [ARG…]")
		return 2
	}
	bin, err := findServer()
	if err != nil {
		if os.Getenv("NIGHTBELL_REQUIRE_POSTGRES") == "1" {
			fmt.Fprintln(os.Stderr, "withpostgres:", err)
			return 1
		}
		fmt.Fprintf(os.Stderr, "\n*** SKIPPED: every test on PostgreSQL. %v\n\n", err)
		return execute(args, os.Environ())
	}
	c, err := start(bin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
		return 1
	}
	defer c.stop()
	return execute(args, append(os.Environ(), "NIGHTBELL_TEST_POSTGRES="+c.url()))
}

// findServer looks where Debian and others keep the server's binaries, which
// are not on the PATH there; the newest version wins.
func findServer() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	more, _ := filepath.Glob("/usr/pgsql-*/bin/postgres")
	found = append(found, more...)
	slices.Sort(found)
	if n := len(found); n > 0 {
		return filepath.Dir(found[n-1]), nil
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		if target, err := filepath.EvalSymlinks(p); err == nil {
			return filepath.Dir(target), nil
		}
	}
	return "", errors.New("no PostgreSQL server binary was found; install one (Debian: apt-get install postgresql)")
}

type cluster struct {
	dir  string
	port int
	bin  string
	as   *syscall.Credential
	cmd  *exec.Cmd
}

func (c *cluster) url() string {
	return fmt.Sprintf("postgres://nightbell@127.0.0.1:%d/postgres?sslmode=disable", c.port)
}

func start(bin string) (*cluster, error) {
	dir, err := os.MkdirTemp("", "nightbell-pg-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, bin: bin}
	if err := c.boot(); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *cluster) boot() error {
	if err := c.dropRoot(); err != nil {
		return err
	}
	data := filepath.Join(c.dir, "data")
	initdb := c.command("initdb", "-D", data, "-U", "nightbell", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if err := c.freePort(); err != nil {
		return err
	}
	// Durability settings stay on: the tests are about promises.
	c.cmd = c.command("postgres", "-D", data, "-p", strconv.Itoa(c.port), "-k", c.dir, "-c", "listen_addresses=127.0.0.1",
		"-c", "max_connections=300", "-c", "shared_buffers=256MB", "-c", "log_min_messages=fatal")
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("starting postgres: %w", err)
	}
	for range 300 {
		if c.command("pg_isready", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(c.port), "-t", "30").Run() == nil {
			return nil
		}
		// pg_isready answers at once while the server is not listening yet.
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("postgres did not become ready within 30 s")
}

// dropRoot picks who runs the server when we are root, and gives them the directory.
func (c *cluster) dropRoot() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		c.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return os.Chown(c.dir, uid, gid)
	}
	return errors.New("running as root and found neither user postgres nor nobody to run the server as")
}

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	// Its own process group, so that a Ctrl-C for the tests does not reach it first.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

func (c *cluster) freePort() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.port = l.Addr().(*net.TCPAddr).Port
	return l.Close()
}

func (c *cluster) stop() {
	if c.cmd != nil && c.cmd.Process != nil {
		_ = c.cmd.Process.Signal(syscall.SIGINT) // fast shutdown
		_ = c.cmd.Wait()
	}
	_ = os.RemoveAll(c.dir)
}

func execute(args, env []string) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
		return 1
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s)
		case err := <-done:
			var exit *exec.ExitError
			switch {
			case err == nil:
				return 0
			case errors.As(err, &exit):
				return max(exit.ExitCode(), 1)
			default:
				fmt.Fprintln(os.Stderr, "withpostgres:", err)
				return 1
			}
		}
	}
}
