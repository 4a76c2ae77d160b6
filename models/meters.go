package models

import "github.com/nightbell/nightbell/meter"

// meters counts what the writers do.
type meters struct {
	writes  *meter.Counter
	commits *meter.Counter
	retries *meter.Counter
	commit  *meter.Histogram
}

func newMeters(m *meter.Meter) meters {
	return meters{
		writes:  m.Counter("nightbell_store_writes_total", "Writes committed."),
		commits: m.Counter("nightbell_store_commits_total", "Transactions committed; writes per commit is the size of the groups."),
		retries: m.Counter("nightbell_store_retries_total", "Transactions run again after a deadlock, a lost race or a broken connection."),
		commit:  m.Seconds("nightbell_store_commit_seconds", "Time the database took to commit."),
	}
}
