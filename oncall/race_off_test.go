//go:build !race

package oncall_test

// step is in minutes: every one of the year, see race_on_test.go.
const step = 1
