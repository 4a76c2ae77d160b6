package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errHeld says that another process, or another node of this one, has the lock.
var errHeld = errors.New("the lock is held")

// lockDatabase keeps a second node off a SQLite file for as long as this one
// lives: it would not hear of the first one's changes. Commands beside a node
// (import, user add) take no lock; the catalogue is read again for them.
//
// The lock is not on the database file itself, because SQLite's own locks there
// end with the first of a process's file descriptors that is closed.
func (a *App) lockDatabase() error {
	if a.cfg.Postgres() {
		return nil
	}
	path := a.cfg.databaseURL()
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // one file has one lock, whatever name it is opened by
	}
	path += ".lock"
	file, err := takeLock(path)
	switch {
	case errors.Is(err, errHeld):
		return fmt.Errorf("another nightbell is running on the database %s; stop it first, or give this one its own data_dir (several nodes on one database need PostgreSQL)", a.cfg.databaseURL())
	case errors.Is(err, errors.ErrUnsupported):
		a.log.Warn("this system cannot lock files, so nothing stops a second node on the same SQLite file; do not start one", "file", path)
		return nil
	case err != nil:
		return fmt.Errorf("cannot lock the database: %w; give the file and its directory to the user Nightbell runs as, or set database elsewhere", err)
	}
	a.opened.add("database lock", func(context.Context) error { return dropLock(file) })
	return nil
}

// dropLock removes the file while it is still locked: who opened it meanwhile
// finds that it is not the path's file any more, and begins anew.
func dropLock(file *os.File) error {
	err := os.Remove(file.Name())
	if errors.Is(err, os.ErrNotExist) {
		err = nil // somebody has tidied up
	}
	return errors.Join(err, file.Close())
}
