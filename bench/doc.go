// Package bench measures the running binary: `make bench` prints the figures
// and writes them to bench/out. Nothing is asserted; docs/benchmarks.md says how
// to read them. The node is a process of its own, so its CPU time and memory are
// its own; senders and phones are in the benchmark's process, on the same cores.
package bench
