// Package models remembers: it implements the stores of every room, on SQLite
// and on PostgreSQL.
//
// What it owns: the two engines (sqlite.go, postgres.go), the numbered
// migrations (migrations/), the group-commit writer that every change goes
// through (writer.go, batch.go), the timeline as a gap-free log (timeline.go),
// and the mapping between rows and the nouns of the other rooms. Its methods
// speak nouns only; no rule lives here.
//
// Invariants:
//   - Write answers after the commit, never before (I1, I2).
//   - Timeline numbers are handed out last, under a row lock that is kept until
//     the commit: their order is the commit order and they have no gaps (I7).
//   - One writer on SQLite; a few on PostgreSQL, the same key always on the same.
//   - Times go in and come out in UTC with microseconds, on both engines.
//
// May import: the nouns of respond, push, realtime, auth, setup, api, incident
// and oncall; queue, fault, id, meter; gorm, the database drivers and goose
// (this is their only door).
package models
