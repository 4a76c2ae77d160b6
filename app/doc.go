// Package app plugs the house together and switches it off.
//
// It owns the configuration (config.go: defaults, then the YAML file, then the
// environment, then flags), the wiring of the rooms (wire.go), the life of one
// node (app.go: New, Start, Stop; lifecycle.go: what was opened is closed in
// reverse, under one deadline) and the commands' work that needs the whole
// house: doctor, user add, token, import, emulator. app/demo is the node with
// stand-in phones around it.
//
// Nothing here decides about incidents: a rule found here is in the wrong room.
//
// May import: every room below, goccy/go-yaml. Imported by cmd and test only.
package app
