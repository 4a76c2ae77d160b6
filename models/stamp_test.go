package models_test

import (
	"testing"
	"time"

	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
)

// TestTimesKeepTheirMicroseconds: in and out, through expressions and RETURNING
// too, where SQLite forgets that a number is a time.
func TestTimesKeepTheirMicroseconds(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("far away", 5*3600+45*60)
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		if err := db.Exec(t.Context(), `CREATE TABLE moments (n INTEGER PRIMARY KEY, at `+db.TimeType()+`)`); err != nil {
			t.Fatal(err)
		}
		for i, in := range []time.Time{
			noon, noon.In(zone), noon.Add(789 * time.Nanosecond), {},
			time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Date(2286, 11, 20, 17, 46, 40, 1000, time.UTC),
		} {
			want := in.UTC().Truncate(time.Microsecond)
			stored, returned, err := db.RoundTrip(t.Context(), i, in)
			if err != nil {
				t.Fatal(err)
			}
			for where, got := range map[string]time.Time{"column": stored, "RETURNING": returned} {
				if !got.Equal(want) || !in.IsZero() && got.Location() != time.UTC {
					t.Errorf("%s came out of the %s as %s", in, where, got)
				}
			}
		}
	})
}
