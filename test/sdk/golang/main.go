//go:build sdk

// Command golang signs in, lists and acknowledges with the Go client generated
// from openapi.yaml (`make sdk`).
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: golang SERVER EMAIL PASSWORD")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var token string
	c, err := NewClientWithResponses(args[0], WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return nil
	}))
	if err != nil {
		return err
	}
	session, err := c.CreateSessionWithResponse(ctx, CreateSessionJSONRequestBody{Email: args[1], Password: args[2]})
	if err != nil || session.JSON201 == nil {
		return fmt.Errorf("signing in: %v, %s", err, session.Body)
	}
	token = session.JSON201.AccessToken
	page, err := c.ListIncidentsWithResponse(ctx, &ListIncidentsParams{Status: &[]IncidentStatus{IncidentStatusTriggered}})
	if err != nil || page.JSON200 == nil || len(page.JSON200.Items) == 0 {
		return fmt.Errorf("listing: %v, %s", err, page.Body)
	}
	key := fmt.Sprintf("sdk-%d", time.Now().UnixNano())
	done, err := c.AcknowledgeIncidentWithResponse(ctx, page.JSON200.Items[0].Id, &AcknowledgeIncidentParams{IdempotencyKey: &key})
	if err != nil || done.JSON200 == nil || !done.JSON200.Changed || done.JSON200.Incident.Status != IncidentStatusAcknowledged {
		return fmt.Errorf("acknowledging: %v, %s", err, done.Body)
	}
	fmt.Printf("acknowledged #%d as %s\n", done.JSON200.Incident.Number, *done.JSON200.Incident.AcknowledgedBy.Name)
	return nil
}
