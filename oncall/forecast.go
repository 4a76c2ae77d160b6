package oncall

import "time"

// Stop is one level of a forecast, reached if nobody answers before.
type Stop struct {
	Position Position
	// At is when the level begins, Until when the next one does.
	At, Until time.Time
	// Skipped are the empty levels passed over on the way here.
	Skipped []Skip
	People  []Call
}

// Call is a person at a stop, and how they are reached.
type Call struct {
	UserID string
	Ways
}

// Outlook is who would be paged, when and how, if nobody ever answers.
type Outlook struct {
	Stops []Stop
	// Skipped are the levels found empty after the last stop.
	Skipped []Skip
	// Ends is when the plan is exhausted and only the auditor is left.
	Ends time.Time
	// Nobody: not one level has anybody who may be paged. Silent: there are
	// people, and no device or address of any of them.
	Nobody, Silent bool
}

// Forecast walks a plan as paging would from the moment on, through all its
// loops: by the same steps, with the people who are on call when each begins,
// and by the same ways. So it says what an incident of this urgency would do,
// as far as schedules, rules and devices stay as they are. The plan's Turn is
// the incident's own.
func Forecast(plan Plan, urgency string, now time.Time, reach Reach) Outlook {
	out := Outlook{Nobody: true, Silent: true}
	at := now
	step := plan.Start(now, reach)
	for !step.Position.Exhausted {
		stop := Stop{Position: step.Position, At: at, Until: step.NextAt, Skipped: step.Skipped}
		for _, user := range step.Users {
			ways := WaysTo(user, urgency, at, reach)
			stop.People = append(stop.People, Call{UserID: user, Ways: ways})
			out.Silent = out.Silent && ways.Nothing
		}
		out.Stops, out.Nobody = append(out.Stops, stop), false
		at = step.NextAt
		step = plan.Next(step.Position, at, reach)
	}
	out.Skipped, out.Ends = step.Skipped, at
	return out
}
