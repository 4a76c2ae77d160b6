package models

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
)

const (
	attemptColumns = `delivery_id, sent_at, done_at, attempt, provider, app, environment, class, status, reason, provider_id, level, downgrade`
	receiptColumns = `delivery_id, event, device_at, at, detail`
)

// addAttempt keeps a line of the delivery log, together with the outcome that
// it tells of. An outcome that is recorded twice has one line.
func (tx *Tx) addAttempt(o push.Outcome) {
	a, ok := o.Attempt()
	if !ok {
		return
	}
	tx.pending.attempts.add(a.DeliveryID, at(a.SentAt), at(a.DoneAt), a.Attempt, string(a.Provider), a.App, a.Environment,
		string(a.Class), a.Status, clean(a.Reason), clean(a.ProviderID), clean(a.Level), clean(a.Downgrade))
	tx.pending.dirty = true
}

func scanAttempt(r scanner) (a push.Attempt, err error) {
	err = r.Scan(&a.DeliveryID, into(&a.SentAt), into(&a.DoneAt), &a.Attempt, &a.Provider, &a.App, &a.Environment,
		&a.Class, &a.Status, &a.Reason, &a.ProviderID, &a.Level, &a.Downgrade)
	return a, err
}

// receiptDetail is what a receipt says beside its event and moments.
type receiptDetail struct {
	ClockOff          bool   `json:"clock_off,omitempty"`
	DeliveredPriority string `json:"delivered_priority,omitempty"`
	OriginalPriority  string `json:"original_priority,omitempty"`
	Detail            string `json:"detail,omitempty"`
}

func scanReceipt(r scanner) (p push.Receipt, err error) {
	var d receiptDetail
	err = r.Scan(&p.DeliveryID, &p.Event, into(&p.DeviceAt), into(&p.At), jsonInto{&d})
	p.ClockOff, p.DeliveredPriority, p.OriginalPriority, p.Detail = d.ClockOff, d.DeliveredPriority, d.OriginalPriority, d.Detail
	return p, err
}

// FindDeliveries gives those of the deliveries that there are, by id.
func (tx *Tx) FindDeliveries(ids []string) (map[string]push.Delivery, error) {
	among, arg := tx.db.engine.anyOf(ids)
	found, err := tx.query(`SELECT `+deliveryColumns+` FROM deliveries WHERE id`+among, arg)
	if err != nil {
		return nil, fmt.Errorf("looking for deliveries: %w", err)
	}
	return index(found, scanDelivery, func(d push.Delivery) string { return d.ID })
}

// AddReceipts stores those that are the first of their delivery and event, in
// the order given, and gives them back; the others change nothing.
func (tx *Tx) AddReceipts(list []push.Receipt) (added []push.Receipt, err error) {
	known, err := tx.receiptsOf(list)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if key := receiptKey(r); !known[key] {
			known[key], added = true, append(added, r)
		}
	}
	return added, tx.insertReceipts(added)
}

func receiptKey(r push.Receipt) string { return r.DeliveryID + " " + string(r.Event) }

func (tx *Tx) receiptsOf(list []push.Receipt) (map[string]bool, error) {
	among, arg := tx.db.engine.anyOf(distinct(list, func(r push.Receipt) string { return r.DeliveryID }))
	found, err := tx.query(`SELECT `+receiptColumns+` FROM receipts WHERE delivery_id`+among, arg)
	if err != nil {
		return nil, fmt.Errorf("looking for receipts: %w", err)
	}
	there, err := collect(found, scanReceipt)
	if err != nil {
		return nil, fmt.Errorf("looking for receipts: %w", err)
	}
	known := make(map[string]bool, len(there)+len(list))
	for _, r := range there {
		known[receiptKey(r)] = true
	}
	return known, nil
}

// insertReceipts writes them in one order on every node. When another node has
// been first with one of them, run again: the caller tells what was added.
func (tx *Tx) insertReceipts(list []push.Receipt) error {
	var lines rows
	for _, r := range slices.SortedFunc(slices.Values(list), func(a, b push.Receipt) int { return strings.Compare(receiptKey(a), receiptKey(b)) }) {
		detail := receiptDetail{r.ClockOff, r.DeliveredPriority, r.OriginalPriority, r.Detail}
		lines.add(r.DeliveryID, string(r.Event), at(r.DeviceAt), at(r.At), clean(toJSON(detail)))
	}
	n, err := tx.insertRows(&tx.db.tables.receipts, &lines)
	if err == nil && n < int64(len(list)) {
		return fmt.Errorf("storing receipts: %w", errRetry)
	}
	return err
}

// Registered reports whether the device is registered to the user.
func (tx *Tx) Registered(userID, deviceID string) (there bool, err error) {
	err = tx.row(`SELECT EXISTS (SELECT 1 FROM devices WHERE id = ? AND user_id = ? AND removed_at IS NULL)`, deviceID, userID).Scan(&there)
	if err != nil {
		return false, fmt.Errorf("looking for a device: %w", err)
	}
	return there, nil
}

// LastConcerned gives the incident's revision when it was last reassigned and
// when the person was last paged for it; zero for never.
func (tx *Tx) LastConcerned(incidentID, userID string) (reassigned, paged int64, err error) {
	err = tx.row(`SELECT
		COALESCE((SELECT MAX(revision) FROM timeline WHERE incident_id = ? AND type = 'incident.reassigned'), 0),
		COALESCE((SELECT MAX(revision) FROM deliveries WHERE incident_id = ? AND user_id = ? AND kind = 'page'), 0)`,
		incidentID, incidentID, userID).Scan(&reassigned, &paged)
	if err != nil {
		return 0, 0, fmt.Errorf("looking whom an incident concerns: %w", err)
	}
	for _, e := range tx.pending.entries { // the batch's own are numbered last
		if e.IncidentID == incidentID && e.Type == incident.EntryReassigned {
			reassigned = max(reassigned, e.Revision)
		}
	}
	return reassigned, paged, nil
}

// HeardFrom notes that devices have reported.
func (tx *Tx) HeardFrom(deviceIDs []string, when time.Time) error {
	among, arg := tx.db.engine.anyOf(slices.Sorted(slices.Values(deviceIDs)))
	if _, err := tx.exec(`UPDATE devices SET last_receipt_at = ? WHERE id`+among+` AND (last_receipt_at IS NULL OR last_receipt_at < ?)`,
		at(when), arg, at(when)); err != nil {
		return fmt.Errorf("noting a device's report: %w", err)
	}
	return nil
}

// byEvent orders a delivery's receipts as they happen on a phone.
func byEvent(list []push.Receipt) {
	order := []push.ReceiptEvent{push.Received, push.Displayed, push.Opened, push.Acted}
	slices.SortStableFunc(list, func(a, b push.Receipt) int {
		return cmp.Compare(slices.Index(order, a.Event), slices.Index(order, b.Event))
	})
}
