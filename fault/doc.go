// Package fault says what kind of no an error is.
//
// Every refusal that reaches a person carries a [Kind] (which one table in
// api turns into a status), a stable Code for programs and a sentence that
// says what is wrong and what to do. The cause stays inside for the log.
//
// May import: the standard library only.
package fault
