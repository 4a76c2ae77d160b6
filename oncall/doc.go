// Package oncall says whom we wake now, and when we look again. Pure.
//
// It owns schedules (who is on call at a moment), escalation policies, the
// plan frozen from a policy when an incident opens, the walk through its
// levels and a person's notification rules. Time comes in as an argument.
//
// May import: the standard library and fault.
package oncall
