package pushtest

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// fields are what each callback about a call has.
func (p *Telephone) fields(c PhoneCall, status string) url.Values {
	return url.Values{
		"AccountSid": {p.SID}, "CallSid": {c.SID}, "From": {p.From}, "To": {c.To}, "CallStatus": {status}, "ApiVersion": {"2010-04-01"}, "Direction": {"outbound-api"},
	}
}

// Answer picks up the n-th call: what happened is told, and what is to be said
// is fetched.
func (p *Telephone) Answer(ctx context.Context, n int) (CallScript, error) {
	c := p.Calls()[n]
	if c.StatusCallback != "" {
		if status, body, err := p.Post(ctx, c.StatusCallback, "", p.fields(c, "in-progress")); err != nil || status/100 != 2 {
			return CallScript{}, fmt.Errorf("telling that the call was answered: %d %s %w", status, body, err)
		}
	}
	if c.URL == "" {
		return c.Script, nil
	}
	return p.script(ctx, c.URL, p.fields(c, "in-progress"))
}

// Press presses a digit while the n-th call listens, and gives what is said then.
func (p *Telephone) Press(ctx context.Context, n int, heard CallScript, digit string) (CallScript, error) {
	if len(heard.Gather) == 0 || heard.Gather[0].NumDigits != "1" || heard.Gather[0].Method != http.MethodPost {
		return CallScript{}, errors.New("the call does not listen for a digit")
	}
	form := p.fields(p.Calls()[n], "in-progress")
	form.Set("Digits", digit)
	return p.script(ctx, heard.Gather[0].Action, form)
}

// Reply sends a text from a number to ours, at the address given.
func (p *Telephone) Reply(ctx context.Context, address, from, body string) (int, string, error) {
	return p.Post(ctx, address, "", url.Values{
		"AccountSid": {p.SID}, "MessageSid": {"SM00000000000000000000000000000000"}, "From": {from}, "To": {p.From}, "Body": {body}, "NumMedia": {"0"},
	})
}

// Delivered tells what became of the n-th text: a status such as delivered or
// undelivered, and an error code, empty for none.
func (p *Telephone) Delivered(ctx context.Context, n int, status, code string) (int, error) {
	t := p.Texts()[n]
	form := url.Values{"AccountSid": {p.SID}, "MessageSid": {t.SID}, "MessageStatus": {status}, "From": {p.From}, "To": {t.To}}
	if code != "" {
		form.Set("ErrorCode", code)
	}
	got, _, err := p.Post(ctx, t.StatusCallback, "", form)
	return got, err
}

func (p *Telephone) script(ctx context.Context, address string, form url.Values) (CallScript, error) {
	status, body, err := p.Post(ctx, address, "", form)
	if err != nil || status != 200 {
		return CallScript{}, fmt.Errorf("fetching what to say: %d %s %w", status, body, err)
	}
	var s CallScript
	if err := xml.Unmarshal([]byte(body), &s); err != nil {
		return s, fmt.Errorf("what to say is no TwiML: %w", err)
	}
	return s, nil
}
