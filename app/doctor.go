package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Health is what the doctor thinks of a part.
type Health int

// Healthy parts work, doubtful ones work but not as they should, and broken
// ones keep Nightbell from starting or from paging.
const (
	Healthy Health = iota
	Doubtful
	Broken
)

// Finding is what the doctor says about one part, and how to repair it.
type Finding struct {
	Health Health
	Part   string
	Says   string
	Fix    string // empty when there is nothing to do
}

// findings gathers what is said.
type findings []Finding

func (f *findings) fine(part, format string, args ...any) {
	*f = append(*f, Finding{Healthy, part, fmt.Sprintf(format, args...), ""})
}

func (f *findings) doubt(part, says, fix string) {
	*f = append(*f, Finding{Doubtful, part, says, fix})
}

func (f *findings) broken(part, says, fix string) {
	*f = append(*f, Finding{Broken, part, says, fix})
}

// Doctor tries out everything the configuration names. loadErr is what
// [Load] said of it. Nothing is made or changed: a database that is not there
// yet, or not migrated, is only reported.
func Doctor(ctx context.Context, cfg Config, loadErr error) []Finding {
	var f findings
	var problems Problems
	switch {
	case errors.As(loadErr, &problems):
		for _, p := range problems {
			f.broken("configuration", p, "")
		}
		return f // the rest would follow from these
	case loadErr != nil:
		f.broken("configuration", Sentence(loadErr), "")
		return f
	}
	f.fine("configuration", "valid")
	f.checkAddress(cfg)
	f.checkPort(ctx, cfg)
	f.checkDisk(cfg)
	f.checkSecret(cfg)
	f.checkDatabase(ctx, cfg)
	f.checkPush(cfg)
	f.checkContacts(ctx, cfg)
	f.checkFiles(cfg)
	return f
}

// checkAddress thinks of the phones, which are somewhere else.
func (f *findings) checkAddress(cfg Config) {
	base := cfg.BaseURL()
	host := strings.Trim(strings.TrimPrefix(strings.TrimPrefix(base, "https://"), "http://"), "/")
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	switch {
	case host == "localhost" || ip != nil && ip.IsLoopback():
		f.doubt("public_url", base+" can only be reached from this machine, so no button on a phone will work",
			"set public_url (NIGHTBELL_PUBLIC_URL) to the address phones use, such as https://nightbell.example.com")
	case strings.HasPrefix(base, "http://"):
		f.doubt("public_url", base+" is not encrypted; phones refuse such addresses",
			"put a TLS-terminating proxy in front and set public_url to its https:// address")
	default:
		f.fine("public_url", "%s", base)
	}
}

func (f *findings) checkPort(ctx context.Context, cfg Config) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err == nil {
		_ = l.Close()
		f.fine("listen", "%s is free", cfg.Listen)
		return
	}
	if runsHere(ctx, cfg) {
		f.fine("listen", "%s is held by a Nightbell that is up", cfg.Listen)
		return
	}
	f.broken("listen", fmt.Sprintf("cannot listen on %s: %v", cfg.Listen, err), "stop the program that holds it (ss -ltnp), or choose another address")
}

// runsHere asks whether it is a Nightbell that holds the port.
func runsHere(ctx context.Context, cfg Config) bool {
	cfg.PublicURL = "" // ask this machine, not the proxy
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.BaseURL()+"/healthz", nil)
	if err != nil {
		return false
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	text, err := readAllBounded(res.Body, "answer", 4<<10)
	return err == nil && res.StatusCode == http.StatusOK && strings.Contains(string(text), `"status":"up"`)
}

// lowDisk is when a full disk is near, and noDisk when it is here: SQLite
// needs room for its write-ahead log.
const (
	lowDisk = 1 << 30
	noDisk  = 100 << 20
)

func (f *findings) checkDisk(cfg Config) {
	if cfg.Postgres() {
		return
	}
	dir, there := nearestDir(filepath.Dir(cfg.databaseURL()))
	if err := writable(dir, dataDir); err != nil {
		f.broken("data_dir", Sentence(err), "")
		return
	}
	free, known := freeSpace(dir)
	switch says := fmt.Sprintf("%d MiB are free in %s", free>>20, dir); {
	case known && free < noDisk:
		f.broken("data_dir", says, "free some space: events are refused when they cannot be kept")
	case known && free < lowDisk:
		f.doubt("data_dir", says, "free some space, or shorten retention")
	case !there:
		f.fine("data_dir", "%s will be made at the first start", cfg.DataDir)
	case known:
		f.fine("data_dir", "%s can be written, %d MiB free", dir, free>>20)
	default:
		f.fine("data_dir", "%s can be written", dir)
	}
}

// nearestDir is dir, or the first of its parents that exists.
func nearestDir(dir string) (at string, there bool) {
	for at, there = filepath.Clean(dir), true; ; at, there = filepath.Dir(at), false {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			return at, there
		}
	}
}

func (f *findings) checkSecret(cfg Config) {
	path := filepath.Join(cfg.DataDir, secretName)
	if cfg.Secret != "" {
		f.fine("secret", "configured")
		return
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.fine("secret", "will be generated into %s at the first start", path)
	case err != nil:
		f.broken("secret", Sentence(err), "give the file to the user Nightbell runs as")
	case info.Mode().Perm()&0o077 != 0:
		f.doubt("secret", fmt.Sprintf("%s may be read by others (mode %04o)", path, info.Mode().Perm()), "chmod 600 "+path)
	default:
		if _, err := instanceSecret(cfg, new(undo)); err != nil {
			f.broken("secret", Sentence(err), "")
			return
		}
		f.fine("secret", "kept in %s; it belongs in your backup", path)
	}
}

// skew is how far this machine's clock may be from the database's before due
// times and token ages suffer.
const skew = time.Second

func (f *findings) checkDatabase(ctx context.Context, cfg Config) {
	if cfg.unmade() {
		f.fine("database", "%s will be made at the first start", cfg.databaseURL())
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var u undo
	db, err := cfg.connect(ctx, Options{}.withDefaults(), nil, &u)
	if err != nil {
		f.broken("database", Sentence(err), "")
		return
	}
	defer func() { _ = db.Close() }() // nothing was written
	if err := db.Ready(ctx); err != nil {
		f.doubt("database", cfg.databaseName()+" has no tables yet", "they are made by nightbell serve, or by nightbell migrate")
		return
	}
	current, newest, err := db.SchemaVersion(ctx)
	switch {
	case err != nil:
		f.broken("database", Sentence(err), "")
	case current > newest:
		f.broken("database", fmt.Sprintf("%s is at schema version %d, this nightbell knows only up to %d", cfg.databaseName(), current, newest),
			"start a newer nightbell, or restore the backup made before the upgrade")
	case current < newest:
		f.doubt("database", fmt.Sprintf("%s is at schema version %d, this nightbell brings %d", cfg.databaseName(), current, newest),
			"back up; then nightbell serve or nightbell migrate brings it up to date")
	default:
		f.fine("database", "%s, schema version %d", cfg.databaseName(), current)
	}
	f.checkClock(ctx, db)
}

// clocked is a database that can tell the time.
type clocked interface {
	Clock(context.Context) (time.Time, error)
}

func (f *findings) checkClock(ctx context.Context, db clocked) {
	before := time.Now()
	theirs, err := db.Clock(ctx)
	if err != nil {
		f.broken("clock", "the database does not tell the time: "+Sentence(err), "")
		return
	}
	trip := time.Since(before)
	off := theirs.Sub(before.Add(trip / 2)).Abs()
	if off > skew+trip/2 {
		f.doubt("clock", fmt.Sprintf("this machine's clock and the database's differ by %s", off.Round(time.Millisecond)),
			"run NTP on both: escalations are due by these clocks")
		return
	}
	f.fine("clock", "agrees with the database's within %s", (off + trip/2).Round(time.Millisecond))
}
