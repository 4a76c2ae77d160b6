package push

import (
	"time"

	"github.com/nightbell/nightbell/incident"
)

// judge says whether a delivery is still worth sending now (I6, I12). Final is
// empty when it is; else the state it ends in, and why.
func judge(j *Job, now time.Time) (final DeliveryState, why string) {
	final, why = worth(j, now)
	if final != "" && j.Held {
		why += "; a node that ended before it could say had it in hand, so it may have been sent"
	}
	return final, why
}

func worth(j *Job, now time.Time) (final DeliveryState, why string) {
	if expires(&j.Delivery) && !now.Before(j.Delivery.ExpiresAt) {
		return Expired, "its time ran out before this node could send it"
	}
	if why := unwanted(j); why != "" {
		return Cancelled, why
	}
	if j.Device.State == DeviceDead && j.Device.TargetKind == AddressTarget {
		return Failed, "the address takes no more messages; its owner must add it again"
	}
	if j.Device.State == DeviceDead {
		return Failed, "the device's push token is gone; the app must register again"
	}
	return "", ""
}

// unwanted compares what the push would say with where the incident is now.
// Content is as of the claim, so this catches whatever changed before it.
func unwanted(j *Job) string {
	status := j.Content.Status
	switch {
	case j.Delivery.State != Scheduled:
		// Between its claim and its loading; the record finds it so and adds nothing.
		return "it was " + string(j.Delivery.State) + " before it left"
	case j.Delivery.Kind == Page && status != incident.Triggered:
		return "the incident was " + string(status) + " before the page left"
	case j.Delivery.Kind == Update && status == incident.Resolved:
		return "the incident was resolved, which settles the notification instead"
	case j.Delivery.Kind == Settle && status == incident.Triggered && !j.Content.Reassigned:
		// Sent now, it would quiet the page that rings again.
		return "the incident is triggered again"
	case j.Delivery.Kind == Digest && (j.Delivery.About == nil || j.Delivery.About.Count == 0):
		return "what it was to tell of was taken care of before it left"
	case j.Delivery.Kind == Activity:
		return unwantedActivity(j)
	}
	return ""
}
