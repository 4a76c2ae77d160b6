package models

import (
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// gormConfig: no transaction of gorm's own around single statements (the
// writer has one), no prepared statements of its own (it would keep each text
// for ever), and silence: errors are returned, and their callers log.
func (db *DB) gormConfig() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		Logger:                 logger.Discard,
		NowFunc:                func() time.Time { return db.cfg.Now().UTC().Truncate(time.Microsecond) },
	}
}
