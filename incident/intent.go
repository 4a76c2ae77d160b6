package incident

// Intent is what must follow a change, in the same transaction. The pure
// rooms say it; respond carries it out.
type Intent string

const (
	// StopPaging voids every notification and delivery of the incident that
	// has not left yet.
	StopPaging Intent = "stop_paging"
	// SettleDevices quiets every device that was sent a page: the shown
	// notification is rewritten or cleared, without a sound. After a
	// reassignment it means the devices of those it no longer belongs to.
	SettleDevices Intent = "settle_devices"
	// UpdateDevices rewrites what those devices show, quietly, where the incident
	// concerns their people now: it is worse than it says there.
	UpdateDevices Intent = "update_devices"
	// PageLevel starts the incident's current escalation level again
	// (oncall.Plan.Again) and reports it with Incident.Escalated.
	PageLevel Intent = "page_level"
	// RestartPlan starts the escalation plan (after a reassignment: the new one)
	// from its first level (oncall.Plan.Start) and reports it with Incident.Escalated.
	RestartPlan Intent = "restart_plan"
	// CloseAlerts marks the incident's alerts resolved and frees their dedup keys.
	CloseAlerts Intent = "close_alerts"
)

// Change is what a transition returns: the incident afterwards, what to write
// on the timeline and what must follow. Changed is false when the action was
// already done; then Incident is the input and the rest is empty.
type Change struct {
	Incident Incident
	Entries  []Entry
	Intents  []Intent
	Changed  bool
}
