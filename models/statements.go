package models

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// statements keeps the SQLite writer's statements prepared over transactions:
// parsing them anew is half the cost of a small write. A text met for the first
// time is prepared in its transaction, and for good in the pause before the
// next one, when the single connection is free.
type statements struct {
	lasting map[string]*sql.Stmt
	wanted  []string
	// of is the transaction that open belongs to.
	of   *sql.Tx
	open map[string]*sql.Stmt
}

// prepare makes lasting what the transactions so far have wanted. A text that
// does not prepare is forgotten: its own transaction was told already.
func (s *statements) prepare(ctx context.Context, on *sql.DB) {
	for _, text := range s.wanted {
		if len(s.lasting) >= maxTexts {
			break
		}
		st, err := on.PrepareContext(ctx, text) //nolint:sqlclosecheck // closed by close
		if err != nil {
			continue
		}
		if s.lasting == nil {
			s.lasting = map[string]*sql.Stmt{}
		}
		s.lasting[text] = st
	}
	s.wanted = s.wanted[:0]
}

// get gives the statement as prepared for this transaction.
func (s *statements) get(ctx context.Context, tx *sql.Tx, text string) (*sql.Stmt, error) {
	if s.of != tx {
		s.of, s.open = tx, make(map[string]*sql.Stmt, len(s.lasting))
	}
	if st, ok := s.open[text]; ok {
		return st, nil
	}
	st, err := s.inTx(ctx, tx, text)
	if err != nil {
		return nil, err
	}
	s.open[text] = st
	return st, nil
}

func (s *statements) inTx(ctx context.Context, tx *sql.Tx, text string) (*sql.Stmt, error) {
	if lasting, ok := s.lasting[text]; ok {
		return tx.StmtContext(ctx, lasting), nil
	}
	if !slices.Contains(s.wanted, text) {
		s.wanted = append(s.wanted, text)
	}
	st, err := tx.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("preparing a statement: %w", err)
	}
	return st, nil
}

func (s *statements) close() {
	for _, st := range s.lasting {
		st.Close()
	}
}
