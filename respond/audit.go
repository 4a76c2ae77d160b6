package respond

import (
	"context"
	"time"
)

// grace is how late a timer may be, beyond one lease, before the auditor calls
// it overdue: a node's death alone raises no alarm.
const grace = 15 * time.Second

// auditLimit bounds what one audit reads; the gauges say "at least" beyond it.
const auditLimit = 1000

// Audit looks for incidents the clock has forgotten (I5) and for those whose
// plan is over while nobody has acknowledged, and says so in gauges and in
// the log, again each time it is called, until somebody acts.
func (d *Desk) Audit(ctx context.Context, timers Timers) error {
	before := d.now().Add(-d.lease - grace)
	found, err := timers.Overdue(ctx, before, auditLimit)
	if err != nil {
		return err
	}
	var late, stuck, exhausted int
	for _, o := range found {
		switch {
		case !o.DueAt.IsZero() && o.DueAt.Before(before):
			late++
			d.log.Error("an incident's timer is overdue; is every node running and the database reachable?", "incident", o.IncidentID, "due_at", o.DueAt)
		case o.Exhausted:
			exhausted++
			d.log.Warn("nobody has acknowledged and the escalation plan is over", "incident", o.IncidentID)
		default:
			stuck++
			d.log.Error("a triggered incident will never escalate; acknowledge or escalate it, and report this as a bug", "incident", o.IncidentID)
		}
	}
	d.tellOverdue(late, stuck, exhausted)
	return nil
}

func (d *Desk) tellOverdue(late, stuck, exhausted int) {
	d.overdue.Set(float64(late), "late")
	d.overdue.Set(float64(stuck), "stuck")
	d.overdue.Set(float64(exhausted), "exhausted")
}
