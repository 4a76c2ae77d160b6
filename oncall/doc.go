// Package oncall says whom we wake now, and when we look again. Pure.
//
// It owns schedules (who is on call at a moment: layers of turns with
// restrictions, or rotations of recurring shifts, and overrides above either),
// their rendering, escalation policies, the plan frozen from a policy when an
// incident opens, the walk through its levels and a person's notification
// rules. Time comes in as an argument. docs/oncall.md says how a schedule is
// read.
//
// May import: the standard library, fault, and teambition/rrule-go for the
// recurrence rules of RFC 5545 (recurrence.go says how far it is trusted).
package oncall
