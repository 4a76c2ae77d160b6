// Package auth says who you are and what you may do.
//
// It owns users and roles, password hashing, sessions with rotating refresh
// tokens, the signing keys and the tokens made with them: access tokens and
// the single-purpose action tokens behind notification buttons (JWTs, EdDSA for
// the former and HS256 for the latter, ADR 14; golang-jwt: this is that
// library's only door besides the providers' own tokens in push).
//
// What holds:
//   - A token is only believed when its key is ours, its method is that of its
//     kind, its issuer and audience are right and it has an expiry. Access and
//     action tokens have different audiences and methods, so neither passes for
//     the other.
//   - A signing key is published a day before it signs and stays published
//     until the last token made with it has expired.
//   - Of passwords, refresh tokens and private keys the database only ever
//     sees hashes and sealed bytes.
//   - A session that was ended is refused at once on the node that ended it and
//     within [sessionCacheFor] on others (sooner where somebody asks
//     [Service.Ended]). Disabling a user or changing a password ends sessions.
//
// May import: fault, id, golang-jwt, argon2id, x/crypto.
package auth
