// Package auth says who you are and what you may do.
//
// It owns users and roles, password hashing, sessions with rotating refresh
// tokens, the signing keys and the tokens made with them: access tokens and
// the single-purpose action tokens behind notification buttons (DESIGN: EdDSA
// JWTs, golang-jwt; this is that library's only door besides the providers'
// own tokens in push).
//
// May import: fault, id, golang-jwt, argon2id, x/crypto.
package auth
