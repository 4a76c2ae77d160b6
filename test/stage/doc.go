// Package stage puts up the real thing for stories and benchmarks: the
// nightbell binary as its own process on a real database, the emulator of
// APNs and FCM as the phones, people signed in as their apps would be.
//
// A node can be killed with SIGKILL, at a moment or at a place of the code
// (package crash), and started again on what it left.
package stage
