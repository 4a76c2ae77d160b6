package respond

import (
	"time"

	"github.com/nightbell/nightbell/incident"
)

// IncidentFilter narrows a list of incidents; empty fields do not narrow.
// Newest first; AfterAt and AfterID are the last item of the former page.
type IncidentFilter struct {
	Statuses   []incident.Status
	Urgencies  []incident.Urgency
	ServiceIDs []string
	AssigneeID string
	Since      time.Time // CreatedAt at or after
	Until      time.Time // CreatedAt before
	Limit      int
	AfterAt    time.Time // zero: from the newest
	AfterID    string
}
