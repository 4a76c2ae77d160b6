// Package queue keeps promises that are due at a time: one loop that claims
// due work in batches under a lease, sleeps until the next is due, and wakes
// early when somebody says there is more. Escalation timers and push
// deliveries are both run by it.
//
// The work itself stays in the store of its room; queue knows only "claim",
// "when next" and "do".
//
// May import: fault, meter.
package queue
