package app

import "github.com/nightbell/nightbell/models"

// NewestSchema is the schema version this binary brings.
func NewestSchema() int64 { return models.NewestSchema() }
