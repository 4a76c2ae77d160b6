package auth

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"github.com/nightbell/nightbell/fault"
)

// Limits of passwords, in bytes of UTF-8. The lower one is NIST SP 800-63B's;
// the upper one keeps a request from buying us a megabyte of hashing.
const (
	MinPassword = 8
	MaxPassword = 1024
)

const (
	// hashSlots bounds the memory that hashing may hold at once: 4 × 19 MiB.
	hashSlots = 4
	// hashWait bounds how long a login queues for a slot.
	hashWait = 10 * time.Second
	// maxHashMemory (KiB) refuses stored hashes whose parameters would take
	// more than a login may: hashes also come in through setup files.
	maxHashMemory = 128 * 1024
	maxHashPasses = 16
)

// passwordCost is OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
// It takes about 23 ms, and fits machines with little memory.
func passwordCost() *argon2id.Params {
	return &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// hashing is the process's one gate to argon2id: memory is the process's own,
// so the gate must be too. It holds no other state.
var hashing = make(gate, hashSlots) //nolint:gochecknoglobals // bounds the memory of the process, which is one

// HashPassword gives the argon2id PHC string of a password. Passwords shorter
// than [MinPassword] or longer than [MaxPassword] bytes, and text that is not
// UTF-8, are refused with a sentence.
func HashPassword(pw string) (string, error) {
	return hashPassword(context.Background(), pw)
}

// VerifyPassword reports whether pw is the password behind a PHC string. A
// hash that cannot be read is an error; a wrong password is not. An empty hash
// (no password set) never matches.
func VerifyPassword(hash, pw string) (bool, error) {
	return verifyPassword(context.Background(), hash, pw)
}

func hashPassword(ctx context.Context, pw string) (string, error) {
	if err := checkPassword(pw); err != nil {
		return "", err
	}
	leave, err := hashing.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	hash, err := argon2id.CreateHash(pw, passwordCost())
	if err != nil {
		return "", fmt.Errorf("hashing a password: %w", err)
	}
	return hash, nil
}

func verifyPassword(ctx context.Context, hash, pw string) (bool, error) {
	if hash == "" || len(pw) > MaxPassword {
		return false, nil
	}
	if err := checkHash(hash); err != nil {
		return false, err
	}
	leave, err := hashing.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	ok, err := argon2id.ComparePasswordAndHash(pw, hash)
	if err != nil {
		return false, fmt.Errorf("verifying a password: %w", err)
	}
	return ok, nil
}

// checkHash refuses what is no argon2id PHC string, or one that asks for more
// memory or passes than a login may cost.
func checkHash(hash string) error {
	p, _, _, err := argon2id.DecodeHash(hash)
	if err != nil {
		return fmt.Errorf("reading a password hash: %w", err)
	}
	if p.Memory > maxHashMemory || p.Iterations > maxHashPasses || p.Iterations < 1 || p.Parallelism < 1 {
		return fmt.Errorf("reading a password hash: its cost (m=%d,t=%d,p=%d) is out of bounds", p.Memory, p.Iterations, p.Parallelism)
	}
	return nil
}

func checkPassword(pw string) error {
	switch {
	case len(pw) < MinPassword:
		return fault.Field("password", "password_too_short", "the password needs at least %d characters; choose a longer one", MinPassword)
	case len(pw) > MaxPassword:
		return fault.Field("password", "password_too_long", "the password may have at most %d bytes; choose a shorter one", MaxPassword)
	case !utf8.ValidString(pw):
		return fault.Field("password", "password_not_text", "the password is not valid UTF-8 text; send it as UTF-8")
	}
	return nil
}

// gate lets as many in at once as it has room for.
type gate chan struct{}

// enter waits for room; leave gives it back.
func (g gate) enter(ctx context.Context) (leave func(), err error) {
	wait := time.NewTimer(hashWait)
	defer wait.Stop()
	select {
	case g <- struct{}{}:
		return func() { <-g }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to hash a password: %w", ctx.Err())
	case <-wait.C:
		return nil, fault.New(fault.Unavailable, "login_busy", "too many people are signing in at this moment; try again in a few seconds")
	}
}

// nobodysHash is what a sign-in with an unknown email is checked against, so
// that it takes as long as any other. It has the cost of [passwordCost] (a
// test compares) and nobody knows its password.
const nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$XCVo6vOItk6Tlce0xg9j+g$8FUd8j7tS2bgmvQ8EtyAU5Gl4ZxGBLr92lKvvdD+vuU"
