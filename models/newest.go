package models

import "github.com/pressly/goose/v3"

// NewestSchema is the newest schema version this binary knows. Both engines
// have the same numbers; a test keeps it so.
func NewestSchema() int64 {
	files, err := migrations.ReadDir("migrations/" + sqlite.String())
	if err != nil {
		return 0 // not embedded: no test would have passed
	}
	var newest int64
	for _, f := range files {
		if v, err := goose.NumericComponent(f.Name()); err == nil {
			newest = max(newest, v)
		}
	}
	return newest
}
