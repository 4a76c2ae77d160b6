//go:build race

package oncall_test

// step is coarser under the race detector away from changes of the clock: it
// is ten times as slow, and each year is walked by one goroutine anyway.
const step = 11
