// Package test holds the stories: what a user would see, told against the
// running binary on SQLite and on PostgreSQL, with kill -9 where it hurts.
package test
