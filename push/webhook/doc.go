// Package webhook posts letters to people's own programs.
//
// A letter is one POST of JSON (docs/webhooks.md), signed in the form of
// Standard Webhooks: webhook-id is the delivery's id, the same at each attempt,
// so that a receiver can drop repeats. The addresses are strangers' URLs:
// wire.Guard keeps them out of the operator's networks, no redirect is
// followed, and little is read of the answer. An address is used for pages
// only after its receiver has answered a challenge ([Sender.Challenge]).
//
// May import: push, push/wire, incident, fault.
package webhook
