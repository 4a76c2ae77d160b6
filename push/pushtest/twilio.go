package pushtest

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// Telephone is a strict stand-in for Twilio's API: it checks who asks and what
// for, remembers texts and calls, and calls back with signed requests when a
// test answers, presses or replies.
type Telephone struct {
	SID, AuthToken, From string

	listener net.Listener
	server   *http.Server
	serving  sync.WaitGroup
	client   *http.Client
	news     signal

	mu       sync.Mutex
	texts    []Text
	calls    []PhoneCall
	refusals []PhoneRefusal
}

// Text is a text message that was taken.
type Text struct {
	SID, To, Body, StatusCallback string
}

// PhoneCall is a call that was placed. Script is what is heard, once answered.
type PhoneCall struct {
	SID, To, URL, StatusCallback string
	Script                       CallScript
}

// CallScript is TwiML as we read it.
type CallScript struct {
	XMLName xml.Name `xml:"Response"`
	Gather  []struct {
		Action    string   `xml:"action,attr"`
		Method    string   `xml:"method,attr"`
		NumDigits string   `xml:"numDigits,attr"`
		Say       []string `xml:"Say"`
	} `xml:"Gather"`
	Say    []string   `xml:"Say"`
	Hangup []struct{} `xml:"Hangup"`
}

// PhoneRefusal is what requests to one number (empty: to any) are answered.
type PhoneRefusal struct {
	To         string
	Status     int
	Code       int
	RetryAfter string
}

// StartTelephone opens the stand-in on this machine.
func StartTelephone() (*Telephone, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a listener lives until Close
	if err != nil {
		return nil, fmt.Errorf("opening the telephone: %w", err)
	}
	p := &Telephone{
		SID: "AC" + strings.Repeat("0a", 16), AuthToken: strings.Repeat("1b", 16), From: "+15005550006", listener: l,
		client: &http.Client{Timeout: 30 * time.Second},
	}
	p.server = &http.Server{Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: 10 * time.Second}
	p.serving.Go(func() { _ = p.server.Serve(l) })
	return p, nil
}

// URL is where it listens.
func (p *Telephone) URL() string { return "http://" + p.listener.Addr().String() }

// Close ends it.
func (p *Telephone) Close() {
	_ = p.server.Close()
	p.serving.Wait()
	p.client.CloseIdleConnections()
}

// Refuse makes requests fail from now on; without arguments none does.
func (p *Telephone) Refuse(all ...PhoneRefusal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusals = all
}

// Texts gives what was taken, oldest first.
func (p *Telephone) Texts() []Text {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.texts)
}

// Calls gives what was placed, oldest first.
func (p *Telephone) Calls() []PhoneCall {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

// Wait waits until done says so; it is asked after each text and call.
func (p *Telephone) Wait(ctx context.Context, done func() bool) error {
	p.news.waiting.Add(1)
	defer p.news.waiting.Add(-1)
	for {
		more := p.news.next()
		if done() {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the telephone: %w", context.Cause(ctx))
		}
	}
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)

func (p *Telephone) serve(w http.ResponseWriter, r *http.Request) {
	sid, token, ok := r.BasicAuth()
	if !ok || sid != p.SID || token != p.AuthToken {
		p.refuse(w, PhoneRefusal{Status: 401, Code: 20003}, "Authenticate")
		return
	}
	account := "/2010-04-01/Accounts/" + p.SID
	switch {
	case r.Method == http.MethodGet && r.URL.Path == account+".json":
		p.answer(w, http.StatusOK, map[string]any{"sid": p.SID, "status": "active"})
	case r.Method == http.MethodPost && r.URL.Path == account+"/Messages.json":
		p.make(w, r, p.message)
	case r.Method == http.MethodPost && r.URL.Path == account+"/Calls.json":
		p.make(w, r, p.call)
	default:
		p.refuse(w, PhoneRefusal{Status: 404, Code: 20404}, "The requested resource was not found")
	}
}

// make checks what texts and calls have in common.
func (p *Telephone) make(w http.ResponseWriter, r *http.Request, create func(url.Values) (string, PhoneRefusal, string)) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	form, formErr := url.ParseQuery(string(body))
	if err != nil || formErr != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		p.refuse(w, PhoneRefusal{Status: 400, Code: 20001}, "Unknown parameters")
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.refusals {
		if f.To == "" || f.To == form.Get("To") {
			p.refuse(w, f, "refused by the test")
			return
		}
	}
	switch {
	case form.Get("To") == "":
		p.refuse(w, PhoneRefusal{Status: 400, Code: 21604}, "A 'To' phone number is required.")
	case !e164.MatchString(form.Get("To")):
		p.refuse(w, PhoneRefusal{Status: 400, Code: 21211}, "Invalid 'To' Phone Number")
	case form.Get("From") != p.From:
		p.refuse(w, PhoneRefusal{Status: 400, Code: 21606}, "The 'From' phone number is not ours")
	default:
		sid, refusal, why := create(form)
		if why != "" {
			p.refuse(w, refusal, why)
			return
		}
		p.answer(w, http.StatusCreated, map[string]any{"sid": sid, "status": "queued"})
		p.news.raise()
	}
}

func (p *Telephone) message(form url.Values) (string, PhoneRefusal, string) {
	switch n := len([]rune(form.Get("Body"))); {
	case n == 0:
		return "", PhoneRefusal{Status: 400, Code: 21602}, "Message body is required."
	case n > 1600:
		return "", PhoneRefusal{Status: 400, Code: 21617}, "The concatenated message body exceeds the 1600 character limit."
	}
	t := Text{SID: fmt.Sprintf("SM%032x", len(p.texts)+1), To: form.Get("To"), Body: form.Get("Body"), StatusCallback: form.Get("StatusCallback")}
	p.texts = append(p.texts, t)
	return t.SID, PhoneRefusal{}, ""
}

func (p *Telephone) call(form url.Values) (string, PhoneRefusal, string) {
	c := PhoneCall{SID: fmt.Sprintf("CA%032x", len(p.calls)+1), To: form.Get("To"), URL: form.Get("Url"), StatusCallback: form.Get("StatusCallback")}
	script := form.Get("Twiml")
	if (c.URL == "") == (script == "") {
		return "", PhoneRefusal{Status: 400, Code: 21205}, "Url or Twiml is required"
	}
	if script != "" {
		if err := xml.Unmarshal([]byte(script), &c.Script); err != nil {
			return "", PhoneRefusal{Status: 400, Code: 12100}, "Document parse failure"
		}
	}
	p.calls = append(p.calls, c)
	return c.SID, PhoneRefusal{}, ""
}

func (p *Telephone) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever asked may have left
}

func (p *Telephone) refuse(w http.ResponseWriter, f PhoneRefusal, why string) {
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	p.answer(w, f.Status, map[string]any{"code": f.Code, "message": why, "status": f.Status})
}

// Post calls somebody back, signed with the token (the account's, if empty).
func (p *Telephone) Post(ctx context.Context, address, token string, form url.Values) (int, string, error) {
	if token == "" {
		token = p.AuthToken
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", sign(token, address, form))
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, string(body), err
}

// sign is written from Twilio's description ("Validating Signatures from
// Twilio"), and not from our code.
func sign(token, address string, form url.Values) string {
	var keys []string
	for k := range form {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	mac := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(mac, address)
	for _, k := range keys {
		_, _ = io.WriteString(mac, k+form.Get(k))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
