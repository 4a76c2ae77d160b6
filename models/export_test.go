package models

// ErrRetry lets tests play a lost race.
var ErrRetry = errRetry

// Queued gives how many writes are waiting for a writer.
func (db *DB) Queued() int {
	n := 0
	for _, w := range db.writers {
		n += len(w.queue)
	}
	return n
}
