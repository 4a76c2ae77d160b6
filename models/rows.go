package models

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// table is what must be known to insert into one of the busy tables, with the
// statements for groups of rows ready. Sizes are powers of two, so that few
// texts need to be prepared whatever the size of a batch.
type table struct {
	name    string
	columns int
	inserts [maxGroupLog + 1]string // by log2 of the number of rows
}

// maxGroupLog gives groups of at most 64 rows: more gains little, and SQLite
// allows 32,766 placeholders in a statement.
const maxGroupLog = 6

// tables are the ones that whole batches are inserted into.
type tables struct {
	incidents, alerts, keys, notifications, deliveries, activities, timeline, attempts, receipts table
}

func newTables() tables {
	return tables{
		incidents:     newTable("incidents", "", caseColumns+", due_at, claimable_at"),
		alerts:        newTable("alerts", "", alertColumns),
		keys:          newTable("open_keys", " ON CONFLICT DO NOTHING", "integration_id, dedup_key, incident_id, alert_id, fingerprint"),
		notifications: newTable("notifications", "", notificationColumns),
		deliveries:    newTable("deliveries", " ON CONFLICT DO NOTHING", deliveryColumns+", claimable_at"),
		activities:    newTable("activities", saveActivity, activityColumns),
		timeline:      newTable("timeline", "", entryColumns),
		attempts:      newTable("attempts", " ON CONFLICT DO NOTHING", attemptColumns),
		receipts:      newTable("receipts", " ON CONFLICT DO NOTHING", receiptColumns),
	}
}

// newTable prepares the statements; ending is what follows VALUES, such as a
// conflict clause.
func newTable(name, ending, columns string) table {
	t := table{name: name, columns: strings.Count(columns, ",") + 1}
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", t.columns), ",") + ")"
	for i := range t.inserts {
		rows := strings.TrimSuffix(strings.Repeat(row+",", 1<<i), ",")
		t.inserts[i] = "INSERT INTO " + name + " (" + columns + ") VALUES " + rows + ending
	}
	return t
}

// rows are waiting to be inserted into one table.
type rows struct {
	args []any
	n    int
}

func (r *rows) add(values ...any) {
	r.args = append(r.args, values...)
	r.n++
}

// insertRows writes the rows in as few statements as their number allows, and
// gives how many were inserted.
func (tx *Tx) insertRows(t *table, r *rows) (inserted int64, err error) {
	args, left := r.args, r.n
	*r = rows{args: r.args[:0]}
	for size := maxGroupLog; left > 0; {
		if 1<<size > left {
			size--
			continue
		}
		n, err := tx.hotExec(t.inserts[size], args[:t.columns<<size]...)
		if err != nil {
			return inserted, fmt.Errorf("inserting into %s: %w", t.name, err)
		}
		inserted += n
		args, left = args[t.columns<<size:], left-1<<size
	}
	return inserted, nil
}

// collect reads all rows and closes them.
func collect[T any](found *sql.Rows, scan func(scanner) (T, error)) ([]T, error) {
	defer found.Close()
	var all []T
	for found.Next() {
		one, err := scan(found)
		if err != nil {
			return nil, fmt.Errorf("reading rows: %w", err)
		}
		all = append(all, one)
	}
	return all, readFailure(found.Err())
}

// index reads all rows into a map and closes them.
func index[T any](found *sql.Rows, scan func(scanner) (T, error), key func(T) string) (map[string]T, error) {
	list, err := collect(found, scan)
	if err != nil {
		return nil, err
	}
	m := make(map[string]T, len(list))
	for _, one := range list {
		m[key(one)] = one
	}
	return m, nil
}

// distinct gives the keys of a list, each once, in order.
func distinct[T any](list []T, key func(T) string) []string {
	keys := make([]string, len(list))
	for i, one := range list {
		keys[i] = key(one)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// toJSON renders a value that always can be rendered: our own plain structs.
func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("models: a row's value has no JSON form: " + err.Error())
	}
	return string(b)
}

// jsonInto scans a JSON column into a value; NULL leaves it as it is.
type jsonInto struct{ into any }

// Scan implements sql.Scanner.
func (j jsonInto) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		if v == "{}" { // most documents of devices and deliveries
			return nil
		}
		return json.Unmarshal([]byte(v), j.into)
	case []byte:
		if string(v) == "{}" {
			return nil
		}
		return json.Unmarshal(v, j.into)
	}
	return fmt.Errorf("scanning JSON: unexpected %T", src)
}

// clean makes text from outside fit both engines: PostgreSQL refuses NUL and
// invalid UTF-8, and an event must not be lost for that.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}
