// Package crash marks the places where a test may kill the process.
//
// Between any two steps of the paging path the process may die, and nothing
// promised may be lost (I1, I2, I5). A build with the tag "crashpoints" dies by
// SIGKILL at the place named in CRASHPOINT ("name" or "name:n" for the
// nth time); test/ builds such a binary. In every other build Here is empty and
// compiled away.
//
// May import: the standard library only.
package crash

// The places, in the order of the path.
const (
	// BeforeCommit: a batch has run, nothing is durable.
	BeforeCommit = "before_commit"
	// Committed: durable, nobody knows yet.
	Committed = "committed"
	// BeforeAnswer: the pages are with the sender, the caller has no answer.
	BeforeAnswer = "before_answer"
	// BeforeSend: the page is about to leave.
	BeforeSend = "before_send"
	// Sent: the provider has it, we have not written that down.
	Sent = "sent"
	// Recorded: the outcome is durable.
	Recorded = "recorded"
	// TimerClaimed: an incident's timer is leased, nothing has been done.
	TimerClaimed = "timer_claimed"
)
