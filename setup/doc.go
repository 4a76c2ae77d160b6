// Package setup turns what an operator wrote down into configuration.
//
// One YAML file names users, schedules, policies, services and integrations;
// setup reads it strictly, compares it with what is there, says the
// difference, and applies it idempotently.
//
// May import: respond, oncall, auth, push (nouns), fault, id, goccy/go-yaml.
package setup
