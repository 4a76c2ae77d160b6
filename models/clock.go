package models

import (
	"context"
	"fmt"
	"time"
)

// Clock is the database's own time. On SQLite that is this machine's; on
// PostgreSQL the difference tells of clocks that have drifted apart.
func (db *DB) Clock(ctx context.Context) (time.Time, error) {
	query := `SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)`
	if db.engine == postgres {
		query = `SELECT clock_timestamp()`
	}
	var now stamp
	if err := db.row(ctx, query).Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("asking the database for the time: %w", err)
	}
	return now.Time, nil
}
