package respond

import (
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
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

// DeliveryFilter narrows a list of deliveries; empty fields do not narrow.
// Newest first by id; BeforeID is the last item of the former page.
type DeliveryFilter struct {
	IncidentID string
	UserID     string
	DeviceID   string
	Kinds      []push.Kind
	States     []push.DeliveryState
	Since      time.Time // CreatedAt at or after
	Until      time.Time // CreatedAt before
	Limit      int
	BeforeID   string
}

// DeliveryStory is a delivery with all that is known of its way: the attempts
// in their order, and what the device said.
type DeliveryStory struct {
	Delivery push.Delivery
	Attempts []push.Attempt
	Receipts []push.Receipt
}
