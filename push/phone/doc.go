// Package phone reaches people by text message and by call, without an app.
//
// A [Carrier] sends texts and places calls; Twilio is the one there is, over
// plain net/http ([NewTwilio]). What is said in a call is fetched from us when
// somebody answers, so that it is never stale, and what is pressed or replied
// comes back as a callback. Callbacks act on incidents, so each is checked by
// its signature first ([Account.Genuine]); a repeated one is harmless.
//
// Nothing can be taken back: texts and calls are never settled.
//
// May import: push, push/wire, fault.
package phone
