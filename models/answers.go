package models

import (
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// answerLife is how long an answer is given again under its idempotency key.
const answerLife = 24 * time.Hour

// Answered gives the stored answer, nil if there is none.
func (tx *Tx) Answered(principal, key string, now time.Time) (answer []byte, fingerprint string, err error) {
	err = tx.hotRow(`SELECT answer, fingerprint FROM answers WHERE principal = ? AND key = ? AND created_at > ?`,
		principal, clean(key), at(now.Add(-answerLife))).Scan(&answer, &fingerprint)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("looking up an answer: %w", err)
	}
	return answer, fingerprint, nil
}

// Answer stores the answer. When another node has just answered under the same
// key, the transaction is run again and finds that answer.
func (tx *Tx) Answer(principal, key, fingerprint string, answer []byte, now time.Time) error {
	n, err := tx.hotExec(`INSERT INTO answers (principal, key, fingerprint, answer, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (principal, key) DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = excluded.created_at
		WHERE answers.created_at <= ?`, principal, clean(key), fingerprint, answer, at(now), at(now.Add(-answerLife)))
	if err != nil {
		return fmt.Errorf("storing an answer: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("storing an answer: %w", errRetry)
	}
	return nil
}
