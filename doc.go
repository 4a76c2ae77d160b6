// Package nightbell is the map of the house.
//
// Nightbell wakes the right person and lets them answer from the phone. An
// event comes in, becomes an incident on a service, rings the phones of
// whoever is on call, and is taken in hand with one tap. docs/corridor.md
// walks that way step by step.
//
// A room imports only from lower floors; house_test.go reads the import graph
// and says so. Each room's doc.go says what it owns.
//
//	8                    cmd
//	7                    app
//	6        models                api
//	5                   setup
//	4                  respond
//	3             push       realtime   ical
//	2    queue   incident   oncall   auth
//	1          id   meter   crash
//	0                   fault
//
//	cmd       I parse, listen for signals, exit.
//	app       I plug the house together and switch it off.
//	api       I speak HTTP.
//	models    I remember.
//	respond   Every change comes through my desk.
//	setup     I turn what an operator wrote down into configuration.
//	push      I make a phone ring, and know whether it did.
//	realtime  I show it to every open screen.
//	ical      I read and write other people's calendars.
//	queue     What was promised gets done.
//	incident  What is wrong, and what may happen to it. Pure.
//	oncall    Whom do we wake now, and when do we look again? Pure.
//	auth      Who are you, and what may you do?
//	fault     What kind of no is this?
//	id        What is it called?
//	meter     How much, how often, how long?
//	crash     Here a test may kill the process.
//
// This package itself holds only the API's contract, which only a file at the
// root can embed.
package nightbell

import _ "embed"

//go:embed openapi.yaml
var openAPI string

// OpenAPI is the API's contract, openapi.yaml: an OpenAPI 3.1 document.
func OpenAPI() string { return openAPI }
