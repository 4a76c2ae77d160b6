package models

import (
	"context"

	"github.com/nightbell/nightbell/respond"
)

// loadCatalog reads everything configured.
func loadCatalog(_ context.Context, _ queryer, version int64) (*respond.Catalog, error) {
	return &respond.Catalog{Version: version}, nil
}
