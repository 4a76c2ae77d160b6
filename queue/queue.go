package queue

import (
	"context"
	"time"
)

// Source is where due work is kept.
type Source[T any] interface {
	// Claim leases up to n items due at now to this node until leaseUntil. Items
	// whose former lease has run out are due again. Fewer than n may come back.
	Claim(ctx context.Context, now time.Time, n int, leaseUntil time.Time) ([]T, error)
	// NextDue is the moment the earliest unleased item is due or the earliest
	// lease runs out; ok is false when there is none.
	NextDue(ctx context.Context) (at time.Time, ok bool, err error)
}
