package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nightbell/nightbell/incident"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rows is the database of these stories: a few tables under one lock, judged
// by the same Outcome.Apply that the real store uses.
type rows struct {
	mu         sync.Mutex
	deliveries map[string]*Delivery
	devices    map[string]*Device
	content    map[string]Content // by incident
	entries    []incident.Entry
	away       error // every call fails with it
	spoilt     string
	claimed    int
	minted     int
}

func newRows() *rows {
	return &rows{deliveries: map[string]*Delivery{}, devices: map[string]*Device{}, content: map[string]Content{}}
}

// node is the database as one process sees it.
type node struct {
	*rows
	name string
	dead bool // the process was killed: nothing it says arrives
}

func (n *node) down() error {
	if n.dead {
		return errors.New("the process is dead")
	}
	return n.away
}

func (n *node) Claim(_ context.Context, now time.Time, limit int, until time.Time) ([]Job, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.down(); err != nil {
		return nil, err
	}
	var due []*Delivery
	for _, d := range n.deliveries {
		if d.State == Scheduled && !claimableAt(d).After(now) {
			due = append(due, d)
		}
	}
	slices.SortFunc(due, func(a, b *Delivery) int { return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.ID, b.ID)) })
	var jobs []Job
	for _, d := range due[:min(limit, len(due))] {
		d.LeaseUntil, d.LeaseNode = until, n.name
		jobs = append(jobs, n.job(d))
	}
	n.claimed += len(jobs)
	return jobs, nil
}

func claimableAt(d *Delivery) time.Time {
	if d.LeaseUntil.After(d.DueAt) {
		return d.LeaseUntil
	}
	return d.DueAt
}

func (r *rows) job(d *Delivery) Job {
	return Job{Delivery: *d, Device: *r.devices[d.DeviceID], Content: r.content[d.IncidentID]}
}

func (n *node) NextDue(context.Context) (at time.Time, ok bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.down(); err != nil {
		return at, false, err
	}
	for _, d := range n.deliveries {
		if c := claimableAt(d); d.State == Scheduled && (!ok || c.Before(at)) {
			at, ok = c, true
		}
	}
	return at, ok, nil
}

func (n *node) Record(_ context.Context, outcomes []Outcome) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.down(); err != nil {
		return err
	}
	for _, o := range outcomes { // all or nothing
		if o.Job.Delivery.ID == n.spoilt {
			return errors.New("this row cannot be written")
		}
	}
	for _, o := range outcomes {
		d := n.deliveries[o.Job.Delivery.ID]
		dev := n.devices[d.DeviceID]
		v := o.Apply(*d, *dev)
		*d = v.Delivery
		if v.DeviceState != "" {
			dev.State, dev.StateReason = v.DeviceState, v.DeviceReason
		}
		if v.Environment != "" {
			dev.Environment = v.Environment
		}
		if v.Evidence != nil {
			dev.Evidence = *v.Evidence
		}
		n.entries = append(n.entries, v.Entries...)
		if v.FollowUp != nil {
			n.minted++
			v.FollowUp.ID = fmt.Sprintf("dlv_follow%d", n.minted)
			n.deliveries[v.FollowUp.ID] = v.FollowUp
		}
	}
	return nil
}

func (n *node) Release(_ context.Context, ids []string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.down(); err != nil {
		return err
	}
	for _, id := range ids {
		if d := n.deliveries[id]; d.State == Scheduled && d.LeaseNode == n.name {
			d.LeaseUntil, d.LeaseNode = time.Time{}, ""
		}
	}
	return nil
}

// readOnly is a database whose disk is full while broken: it answers
// questions, claims (which it counts), but records nothing.
type readOnly struct {
	*node
	broken      atomic.Bool
	whileBroken atomic.Int32
}

func (r *readOnly) Claim(ctx context.Context, now time.Time, limit int, until time.Time) ([]Job, error) {
	if r.broken.Load() {
		r.whileBroken.Add(1)
	}
	return r.node.Claim(ctx, now, limit, until)
}

func (r *readOnly) Record(ctx context.Context, outcomes []Outcome) error {
	if r.broken.Load() {
		return errors.New("the disk is full")
	}
	return r.node.Record(ctx, outcomes)
}

// device registers a phone that takes pushes through a provider.
func (r *rows) device(id string, p Provider) Device {
	d := Device{
		ID: id, UserID: "usr_" + id, Platform: IOS, Provider: p, App: "nightbell", Environment: "production",
		TargetKind: TokenTarget, Token: "token-" + id, RegisteredAt: time.Now().Add(-time.Hour), State: DeviceActive,
	}
	if p == FCM {
		d.Platform = Android
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.devices[id] = &d
	return d
}

// page inserts a page that is due now and gives the job as respond would hand
// it over: leased to a node, good for half an hour.
func (r *rows) page(id, incidentID string, dev Device, node string) Job {
	return r.add(Delivery{ID: id, Kind: Page, NotificationID: "ntf_" + id, IncidentID: incidentID}, dev, node)
}

func (r *rows) add(d Delivery, dev Device, node string) Job {
	now := stamp(time.Now())
	d.UserID, d.DeviceID, d.State = dev.UserID, dev.ID, Scheduled
	d.DueAt, d.CreatedAt, d.Revision = now, now, 1
	if d.ExpiresAt.IsZero() {
		d.ExpiresAt = now.Add(30 * time.Minute)
	}
	if node != "" {
		d.LeaseUntil, d.LeaseNode = now.Add(30*time.Second), node
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deliveries[d.ID] = &d
	if _, ok := r.content[d.IncidentID]; !ok {
		r.content[d.IncidentID] = Content{
			Number: 42, Title: "Checkout answers 500", ServiceName: "Checkout", Severity: incident.Critical,
			Urgency: incident.High, Status: incident.Triggered, ChangedAt: now, Revision: 1,
		}
	}
	return r.job(&d)
}

// acknowledge does what respond's transaction does: the incident's state, and
// pages that are not final cancelled.
func (r *rows) acknowledge(incidentID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.content[incidentID]
	c.Status, c.By, c.ChangedAt = incident.Acknowledged, "Ana", time.Now()
	c.Revision++
	r.content[incidentID] = c
	for _, d := range r.deliveries {
		if d.IncidentID == incidentID && d.Kind == Page && d.State == Scheduled {
			d.State = Cancelled
		}
	}
}

// revise is a change that leaves the incident triggered; it gives the revision.
func (r *rows) revise(incidentID string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.content[incidentID]
	c.Status, c.Revision = incident.Triggered, c.Revision+1
	r.content[incidentID] = c
	return c.Revision
}

func (r *rows) setAway(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = err
}

func (r *rows) delivery(id string) Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return *r.deliveries[id]
}

// told gives the timeline's words about a delivery, in order.
func (r *rows) told(id string) []incident.EntryType {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []incident.EntryType
	for _, e := range r.entries {
		if e.Detail.DeliveryID == id {
			out = append(out, e.Type)
		}
	}
	return out
}

func (r *rows) claims() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.claimed
}
