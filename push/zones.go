package push

import (
	"sync"
	"time"
)

// zones remembers loaded time zones, because loading one reads a file.
type zones struct{ known sync.Map }

// maxZoneName is longer than any zone's name. Only names that load are
// remembered, and the world has about 600 of them.
const maxZoneName = 64

// find gives the zone, nil when the name is empty or unknown.
func (z *zones) find(name string) *time.Location {
	if name == "" || len(name) > maxZoneName {
		return nil
	}
	if loc, ok := z.known.Load(name); ok {
		return loc.(*time.Location)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	z.known.Store(name, loc)
	return loc
}
