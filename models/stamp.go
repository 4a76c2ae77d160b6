package models

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"
)

// stamp is a moment as a column: timestamptz on PostgreSQL, microseconds since
// 1970 in an INTEGER on SQLite; the zero time is NULL on both. It scans what
// either driver hands out: SQLite forgets that a column is a time in RETURNING
// and in expressions, and then gives the bare integer.
type stamp struct{ time.Time }

// at makes a stamp of t, in UTC and cut to the microseconds both engines keep.
func at(t time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	return stamp{t.UTC().Truncate(time.Microsecond)}
}

// Value implements [driver.Valuer].
func (s stamp) Value() (driver.Value, error) {
	if s.IsZero() {
		return nil, nil
	}
	return s.UTC().Truncate(time.Microsecond), nil
}

// Scan implements [sql.Scanner].
func (s *stamp) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		s.Time = time.Time{}
	case time.Time:
		s.Time = v.UTC()
	case int64:
		s.Time = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("scanning a time: unexpected %T", src)
	}
	return nil
}

// into scans a time column straight into a noun's field; NULL is the zero time.
func into(t *time.Time) sql.Scanner { return (*timeField)(t) }

type timeField time.Time

// Scan implements [sql.Scanner].
func (f *timeField) Scan(src any) error {
	var s stamp
	if err := s.Scan(src); err != nil {
		return err
	}
	*f = timeField(s.Time)
	return nil
}
