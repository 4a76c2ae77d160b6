// Package setup turns what an operator wrote down into configuration.
//
// One YAML file names users, schedules, policies, services and integrations.
// [Parse] reads it strictly and reports everything wrong with it at once, with
// lines. [Plan] compares it with what is there and says the difference in
// people's words. [Apply] makes it so. People are known by their e-mail
// address, everything else by its name (upper and lower case are the same), so
// ids survive and a second import of the same file changes nothing.
//
// What the file leaves out stays as it is; nothing is ever deleted.
//
// May import: respond, oncall, auth, push (nouns), fault, id, goccy/go-yaml.
package setup
