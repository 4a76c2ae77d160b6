package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/respond"
)

// defaultLimit is the page size when none is asked for; openapi.yaml says so.
const defaultLimit = 25

// ListIncidents gives a page of incidents, newest first.
func (s *server) ListIncidents(ctx context.Context, r ListIncidentsRequestObject) (ListIncidentsResponseObject, error) {
	f, err := filter(r.Params, caller(ctx).UserID)
	if err != nil {
		return nil, err
	}
	list := nameOf(f)
	if r.Params.Cursor != nil {
		p, err := readCursor(list, *r.Params.Cursor)
		if err != nil {
			return nil, err
		}
		f.AfterAt, f.AfterID = time.UnixMicro(p.at).UTC(), p.id
	}
	found, more, head, err := s.Incidents.ListIncidents(ctx, f)
	if err != nil {
		return nil, err
	}
	page := ListIncidents200JSONResponse{
		Items: make([]Incident, len(found)), NextCursor: nullable.NewNullNullable[string](),
		Position: Position{Epoch: head.Epoch, Seq: head.Seq},
	}
	for i, in := range found {
		page.Items[i] = *in.Snapshot()
	}
	if more && len(found) > 0 {
		last := found[len(found)-1]
		page.NextCursor.Set(cursor(list, place{last.CreatedAt.UnixMicro(), last.ID}))
	}
	return page, nil
}

// filter reads the parameters; "me" is whoever asks.
func filter(p ListIncidentsParams, me string) (respond.IncidentFilter, error) {
	f := respond.IncidentFilter{
		Statuses: p.Status, Urgencies: p.Urgency, ServiceIDs: p.ServiceId, AssigneeID: value(p.Assignee),
		Since: utc(p.Since), Until: utc(p.Until), Limit: limit(p.Limit),
	}
	if f.AssigneeID == "me" {
		f.AssigneeID = me
	}
	if p.Assignee != nil {
		if err := checkID("assignee", id.User, f.AssigneeID); err != nil {
			return f, err
		}
	}
	return f, checkServices(f.ServiceIDs)
}

// checkID is id.Check that names the parameter.
func checkID(parameter, prefix, given string) error {
	if err := id.Check(prefix, given); err != nil {
		return fault.Field(parameter, "bad_id", "%s: %s", parameter, err.Error())
	}
	return nil
}

func checkServices(ids []string) error {
	for _, svc := range ids {
		if err := checkID("service_id", id.Service, svc); err != nil {
			return err
		}
	}
	return nil
}

// nameOf names the list that a filter describes, for its cursors. The order in
// which a client repeats a parameter does not matter.
func nameOf(f respond.IncidentFilter) string {
	return fmt.Sprintf("incidents %q %q %q %q %d %d", sorted(f.Statuses), sorted(f.Urgencies), sorted(f.ServiceIDs),
		f.AssigneeID, f.Since.UnixMicro(), f.Until.UnixMicro())
}

func sorted[T ~string](s []T) []T { return slices.Sorted(slices.Values(s)) }

func limit(given *Limit) int {
	if given == nil {
		return defaultLimit
	}
	return *given
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// GetIncident gives one incident, or 304 when the client has it already.
func (s *server) GetIncident(ctx context.Context, r GetIncidentRequestObject) (GetIncidentResponseObject, error) {
	in, err := s.incident(ctx, r.IncidentId)
	if err != nil {
		return nil, err
	}
	tag := `"` + strconv.FormatInt(in.Revision, 10) + `"`
	if r.Params.IfNoneMatch != nil && matches(*r.Params.IfNoneMatch, tag) {
		return GetIncident304Response{Headers: GetIncident304ResponseHeaders{ETag: tag}}, nil
	}
	return GetIncident200JSONResponse{Body: *in.Snapshot(), Headers: GetIncident200ResponseHeaders{ETag: tag}}, nil
}

// matches compares tags weakly, as If-None-Match asks (RFC 9110 §13.1.2).
func matches(header, tag string) bool {
	for given := range strings.SplitSeq(header, ",") {
		given = strings.TrimPrefix(strings.TrimSpace(given), "W/")
		if given == tag || given == "*" {
			return true
		}
	}
	return false
}

func (s *server) incident(ctx context.Context, incidentID string) (incident.Incident, error) {
	if err := id.Check(id.Incident, incidentID); err != nil {
		return incident.Incident{}, err
	}
	return s.Incidents.Incident(ctx, incidentID)
}

// ListTimeline gives a page of what happened, oldest first.
func (s *server) ListTimeline(ctx context.Context, r ListTimelineRequestObject) (ListTimelineResponseObject, error) {
	if _, err := s.incident(ctx, r.IncidentId); err != nil {
		return nil, err
	}
	list := "timeline " + r.IncidentId
	var after place
	if r.Params.Cursor != nil {
		var err error
		if after, err = readCursor(list, *r.Params.Cursor); err != nil {
			return nil, err
		}
	}
	n := limit(r.Params.Limit)
	entries, err := s.Incidents.Timeline(ctx, r.IncidentId, after.at, n+1)
	if err != nil {
		return nil, err
	}
	page := ListTimeline200JSONResponse{Items: entries, NextCursor: nullable.NewNullNullable[string]()}
	if len(entries) > n {
		page.Items = entries[:n]
		page.NextCursor.Set(cursor(list, place{at: entries[n-1].Seq}))
	}
	if page.Items == nil {
		page.Items = []TimelineEntry{}
	}
	return page, nil
}

// ListAlerts gives what the monitoring tools said.
func (s *server) ListAlerts(ctx context.Context, r ListAlertsRequestObject) (ListAlertsResponseObject, error) {
	if _, err := s.incident(ctx, r.IncidentId); err != nil {
		return nil, err
	}
	n := limit(r.Params.Limit)
	found, err := s.Incidents.Alerts(ctx, r.IncidentId, n+1)
	if err != nil {
		return nil, err
	}
	answer := ListAlerts200JSONResponse{More: len(found) > n, Items: make([]Alert, min(n, len(found)))}
	for i := range answer.Items {
		answer.Items[i] = alert(found[i])
	}
	return answer, nil
}

func alert(a respond.Alert) Alert {
	payload := a.Payload
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	return Alert{
		Id: a.ID, IncidentId: a.IncidentID, ServiceId: a.ServiceID, IntegrationId: a.IntegrationID,
		DedupKey: a.DedupKey, Severity: a.Severity, Summary: a.Summary, Source: a.Source, Payload: payload,
		Count: a.Count, FirstAt: a.FirstAt, LastAt: a.LastAt, ResolvedAt: present(a.ResolvedAt),
	}
}
